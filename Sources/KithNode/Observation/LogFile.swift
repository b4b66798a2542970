// SPDX-License-Identifier: Apache-2.0

import Synchronization
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Standard error as a file, which is set aside as `.1` when it has grown to its limit.
///
/// All that the process says goes there, so that also the last words of one that dies are found.
package final class LogFile: Sendable {
    /// Bytes; together with the one that was set aside, a node's log takes twice as many at most, and a line.
    package static let limit = 8 << 20

    private let path: FilePath
    private let limit: Int
    private let descriptor: FileDescriptor
    private let size: Mutex<Int>

    /// - Parameter descriptor: What becomes the file.
    /// - Throws: `Errno` when the file cannot be opened.
    package init(
        path: FilePath, limit: Int = LogFile.limit, replacing descriptor: FileDescriptor = .standardError
    ) throws(Errno) {
        self.path = path
        self.limit = limit
        self.descriptor = descriptor
        size = Mutex(try Self.open(path, as: descriptor))
    }

    /// To be called after a line was written.
    func wrote(_ bytes: Int) {
        size.withLock { size in
            size += bytes
            guard size >= limit else { return }
            // Where that fails the file goes on growing, which is better than no log; tried again after as much.
            size = rename(path.string, path.string + ".1") == 0 ? (try? Self.open(path, as: descriptor)) ?? 0 : 0
        }
    }

    /// - Returns: Bytes that the file has.
    private static func open(_ path: FilePath, as descriptor: FileDescriptor) throws(Errno) -> Int {
        do {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .append, .closeOnExec, .nonBlocking],
                permissions: [.ownerReadWrite])
            return try file.closeAfter {
                // A device or a pipe must not be renamed, and does not grow.
                guard try file.stat().type == .regular else { throw Errno.notSupported }
                _ = try file.duplicate(as: descriptor)
                return Int(try file.seek(offset: 0, from: .end))
            }
        } catch let error as Errno {
            throw error
        } catch {
            throw .ioError
        }
    }
}
