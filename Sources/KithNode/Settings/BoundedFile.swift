// SPDX-License-Identifier: Apache-2.0

import KithFiles
import SystemPackage

/// Reads small files whole, with words for what is wrong with them. Never waits: pipes and devices are refused.
package enum BoundedFile {
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    /// - Throws: ``Failure`` saying what the operating system said, or that the file is larger than `limit` bytes.
    static func bytes(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        do {
            return try RegularFile.read(FilePath(path), limit: limit) { status in
                guard status.type == .regular else { throw Failure(description: "it is not a regular file") }
                guard status.size <= Int64(limit) else {
                    throw Failure(description: "it is larger than \(limit) bytes")
                }
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
            _ = try Stat(FilePath(path))
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
