// SPDX-License-Identifier: Apache-2.0

import KithFiles
import KithModel
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Why a node's identity could not be used or made. A node that meets one must not start: going on with another identity
/// would make it a stranger to everyone it was paired with.
package struct IdentityError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The key is gone although there was an identity.
        case keyMissing = "key_missing"
        /// The key is there and its certificate is not.
        case certificateMissing = "certificate_missing"
        /// Others on this machine may read the key, or put another one in its place.
        case exposed
        /// The file may not be read, or is not a file.
        case unreadable
        /// The file is empty or ends too early.
        case truncated
        /// The file is longer than any key or certificate.
        case oversized
        /// The file is not in PEM form (RFC 7468).
        case notPEM = "not_pem"
        /// What the file holds is not a P-256 key or not a certificate.
        case damaged
        /// The certificate belongs to another key.
        case mismatch
        /// The key is whole, and is another node's.
        case otherIdentity = "other_identity"
        /// The folder cannot be made or written.
        case unwritable
        /// No key or certificate could be made.
        case failed
    }

    package var code: Code
    /// One sentence that names the file.
    package var message: String
    /// What to do about it.
    package var fix: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, fix: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.fix = fix
        self.cause = cause
    }

    package var description: String {
        "\(code.rawValue): \(message) \(fix)" + (cause.map { " (\($0))" } ?? "")
    }
}

extension IdentityError {
    private static let rekey = "\"kith rekey\" makes a new identity, which has to be paired again"

    static func missing(_ code: Code, _ file: FilePath) -> IdentityError {
        IdentityError(
            code, "This node has an identity, but \(file) is missing.", fix: "Restore it from a backup; or \(rekey).")
    }

    static func unusable(_ code: Code, _ file: FilePath, _ what: String, cause: (any Error)? = nil) -> IdentityError {
        IdentityError(code, "\(file) \(what).", fix: "Restore it from a backup; or \(rekey).", cause: cause)
    }

    static func exposed(_ path: FilePath, to whom: String, mode: String) -> IdentityError {
        IdentityError(
            .exposed, "\(path) \(whom).", fix: "If nobody did so, run: chmod \(mode) '\(path)'; otherwise \(rekey).")
    }

    static func unreadable(_ path: FilePath, cause: Errno?) -> IdentityError {
        IdentityError(
            .unreadable, "\(path) cannot be read.",
            fix: "It must be a file that belongs to the user who runs kith.", cause: cause)
    }

    static func unwritable(_ folder: FilePath, cause: Errno) -> IdentityError {
        IdentityError(
            .unwritable, "The folder \(folder) cannot be made or written.",
            fix: "Check its owner, its permissions and the space on its disk.", cause: cause)
    }
}

/// The two files of an identity, and how they come onto the disk whole or not at all.
struct IdentityFolder {
    let path: FilePath

    /// A key or certificate of ours has less than 1,000 bytes.
    private static let sizeLimit = 16 * 1_024

    var key: FilePath { path.appending("key.pem") }
    var certificate: FilePath { path.appending("certificate.pem") }

    /// Whether there is anything that looks like an identity. What cannot be examined counts as present.
    func holdsIdentity() throws(IdentityError) -> Bool {
        if try Self.exists(key) { return true }
        return try Self.exists(certificate)
    }

    static func exists(_ file: FilePath) throws(IdentityError) -> Bool {
        do {
            _ = try Stat(file, followTargetSymlink: false)
            return true
        } catch {
            if error == .noSuchFileOrDirectory { return false }
            throw .unreadable(file, cause: error)
        }
    }

    /// Refuses a folder in which others could put another key.
    func check() throws(IdentityError) {
        let permissions: FilePermissions
        do { permissions = try Stat(path).permissions } catch { throw .unreadable(path, cause: error) }
        guard permissions.isDisjoint(with: [.groupWrite, .otherWrite]) else {
            throw .exposed(path, to: "can be changed by other users of this machine", mode: "700")
        }
    }

    /// - Parameter isSecret: whether others must not be able to read it.
    func read(_ file: FilePath, isSecret: Bool) throws(IdentityError) -> [UInt8] {
        do {
            return try RegularFile.read(file, limit: Self.sizeLimit) { status in
                try Self.check(status, of: file, isSecret: isSecret)
            }
        } catch let error as IdentityError {
            throw error
        } catch {
            throw .unreadable(file, cause: error as? Errno)
        }
    }

    private static func check(_ status: Stat, of file: FilePath, isSecret: Bool) throws(IdentityError) {
        guard status.type == .regular else { throw .unreadable(file, cause: nil) }
        let others: FilePermissions = [.groupReadWriteExecute, .otherReadWriteExecute]
        guard !isSecret || status.permissions.isDisjoint(with: others) else {
            throw .exposed(file, to: "can be read by other users of this machine", mode: "600")
        }
        guard status.size <= Int64(sizeLimit) else {
            throw .unusable(.oversized, file, "is too long for a key or certificate")
        }
    }
}

extension IdentityFolder {
    /// Puts both files in place in one step: a crash leaves no folder, or a whole one. Does nothing when another process
    /// was faster.
    func createWhole(key: [UInt8], certificate: [UInt8]) throws(Errno) {
        let parent = path.removingLastComponent()
        try PrivateDirectory.create(parent)
        let staging = IdentityFolder(path: parent.appending(".identity-\(Self.salt())"))
        guard mkdir(staging.path.string, 0o700) == 0 else { throw Errno(rawValue: errno) }
        defer { staging.discard() }
        try DurableFile.create(staging.certificate, with: certificate)
        try DurableFile.create(staging.key, with: key)
        try DurableFile.synchronise(staging.path)
        if rename(staging.path.string, path.string) != 0 {
            let failure = Errno(rawValue: errno)
            guard failure == .directoryNotEmpty || failure == .fileExists else { throw failure }
            try create(key: key, certificate: certificate)
        }
        try DurableFile.synchronise(parent)
    }

    /// Puts the files into a folder that holds other things, the key last: without it there is no identity. Does nothing
    /// when there are files of these names.
    private func create(key: [UInt8], certificate: [UInt8]) throws(Errno) {
        for (bytes, file) in [(certificate, self.certificate), (key, self.key)] {
            let fresh = FilePath(file.string + ".\(Self.salt())")
            try DurableFile.create(fresh, with: bytes)
            defer { unlink(fresh.string) }
            if link(fresh.string, file.string) != 0 {
                let failure = Errno(rawValue: errno)
                if failure == .fileExists { return }
                throw failure
            }
        }
        try DurableFile.synchronise(path)
    }

    /// Moves what is there of an identity into a folder of its own.
    ///
    /// - Returns: that folder; `nil` when there was nothing to move.
    func moveAside(as name: String) throws(Errno) -> FilePath? {
        guard Stat.exists(key) || Stat.exists(certificate) else { return nil }
        let aside = path.appending(name)
        guard mkdir(aside.string, 0o700) == 0 else { throw Errno(rawValue: errno) }
        for file in [key, certificate] where Stat.exists(file) {
            guard let component = file.lastComponent else { continue }
            if rename(file.string, aside.appending(component).string) != 0 { throw Errno(rawValue: errno) }
        }
        try DurableFile.synchronise(aside)
        try DurableFile.synchronise(path)
        return aside
    }

    private func discard() {
        unlink(key.string)
        unlink(certificate.string)
        rmdir(path.string)
    }

    private static func salt() -> String { String(UInt64.random(in: .min ... .max), radix: 36) }
}

extension Stat {
    fileprivate static func exists(_ file: FilePath) -> Bool {
        (try? Stat(file, followTargetSymlink: false)) != nil  // what cannot be examined cannot be moved either
    }
}
