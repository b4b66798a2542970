// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithFiles
package import KithModel
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How the command line of a node's owner finds the running node and shows that it may ask for anything:
/// `state/control.json`, which only the owner can read. It exists from the start of a node to its stop.
package struct ControlFile: Sendable {
    private static let sizeLimit = 16 * 1_024

    /// Where the node listens.
    package var url: HTTPAddress
    /// Sent as a bearer token. Every start makes a new one.
    package var token: Secret
    /// SHA-256 of the certificate that the node shows, in hexadecimal, when it speaks TLS.
    package var fingerprint: String?
    /// The process that wrote the file; `nil` from an older node.
    package var processID: Int32?

    package init(url: HTTPAddress, token: Secret, fingerprint: String? = nil, processID: Int32? = nil) {
        self.url = url
        self.token = token
        self.fingerprint = fingerprint
        self.processID = processID
    }

    /// 256 random bits in the form of a key, so that a token of an earlier start is refused and not ignored.
    package static func freshToken() -> Secret {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return Secret("kith_control_" + String(decoding: Base32.encode(bytes), as: UTF8.self).lowercased())
    }

    /// - Returns: `nil` when no node runs on the folder, as far as the file tells: a node that crashed leaves its file
    ///   behind.
    /// - Throws: ``ControlFileError``.
    package static func read(dataDirectory: String) throws(ControlFileError) -> ControlFile? {
        let path = path(in: dataDirectory)
        let bytes: [UInt8]?
        do {
            bytes = try BoundedFile.bytesIfPresent(path, limit: sizeLimit)
        } catch {
            throw ControlFileError("\(path) cannot be read: \(error)")
        }
        guard let bytes else { return nil }
        guard let contents = try? JSONBody.decode(Contents.self, from: bytes),
            let url = HTTPAddress(contents.url)
        else { throw ControlFileError("\(path) is not of this version; start the node again") }
        return ControlFile(
            url: url, token: Secret(contents.token), fingerprint: contents.fingerprint,
            processID: contents.pid)
    }

    /// Puts the file in place whole, readable by its owner only.
    ///
    /// - Throws: ``ControlFileError``.
    func write(dataDirectory: String) throws(ControlFileError) {
        let path = Self.path(in: dataDirectory)
        do {
            let contents = Contents(
                url: url.description, token: token.reveal(), fingerprint: fingerprint, pid: processID)
            try DurableFile.replace(FilePath(path), with: try JSONBody.encode(contents))
        } catch {
            throw ControlFileError("\(path) cannot be written: \(error)")
        }
    }

    static func remove(dataDirectory: String) { unlink(path(in: dataDirectory)) }

    private static func path(in dataDirectory: String) -> String { dataDirectory + "/state/control.json" }

    private struct Contents: Codable {
        var url: String
        var token: String
        var fingerprint: String?
        var pid: Int32?
    }
}

/// Why `state/control.json` could not be used.
package struct ControlFileError: Error, Sendable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
}
