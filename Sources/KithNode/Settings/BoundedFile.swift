// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Reads small text files whole.
package enum BoundedFile {
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    /// - Throws: ``Failure`` saying what the operating system said, or that the file is larger than `limit` bytes.
    static func bytes(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        do {
            let file = try FileDescriptor.open(FilePath(path), .readOnly)
            return try file.closeAfter {
                var bytes: [UInt8] = []
                while bytes.count <= limit {
                    let piece = try [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                        count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                    }
                    if piece.isEmpty { return bytes }
                    bytes += piece
                }
                throw Failure(description: "it is larger than \(limit) bytes")
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(description: "\(error)")
        }
    }

    /// - Returns: `nil` when there is no such file.
    package static func bytesIfPresent(_ path: String, limit: Int) throws(Failure) -> [UInt8]? {
        do {
            try FileDescriptor.open(FilePath(path), .readOnly).close()
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch {
            throw Failure(description: "\(error)")
        }
        return try bytes(path, limit: limit)
    }

    static func text(_ path: String, limit: Int) throws(Failure) -> String {
        guard let text = String(validating: try bytes(path, limit: limit), as: UTF8.self) else {
            throw Failure(description: "it is not UTF-8 text")
        }
        return text
    }
}
