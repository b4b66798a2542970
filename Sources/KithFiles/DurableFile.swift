// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Files that are on the disk, and not only on their way there, when they have been written.
package enum DurableFile {
    /// Writes a file that nobody else may read.
    ///
    /// - Throws: `Errno.fileExists` when there is one of this name.
    package static func create(_ file: FilePath, with bytes: [UInt8]) throws(Errno) {
        do {
            let descriptor = try FileDescriptor.open(
                file, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite)
            try descriptor.closeAfter {
                _ = try descriptor.writeAll(bytes)
                if fsync(descriptor.rawValue) != 0 { throw Errno(rawValue: errno) }
            }
        } catch {
            throw error as? Errno ?? .ioError
        }
    }

    /// Puts a file that nobody else may read in the place of what is there in one step. For names that one process writes.
    package static func replace(_ file: FilePath, with bytes: [UInt8]) throws(Errno) {
        let fresh = FilePath(file.string + ".new")
        unlink(fresh.string)  // of a process that was killed
        do throws(Errno) {
            try create(fresh, with: bytes)
            if rename(fresh.string, file.string) != 0 { throw Errno(rawValue: errno) }
        } catch {
            unlink(fresh.string)
            throw error
        }
        try synchronise(file.removingLastComponent())
    }

    /// Makes sure of the names in a folder.
    package static func synchronise(_ folder: FilePath) throws(Errno) {
        do {
            let descriptor = try FileDescriptor.open(folder.isEmpty ? "." : folder, .readOnly, options: .closeOnExec)
            try descriptor.closeAfter {
                if fsync(descriptor.rawValue) != 0 { throw Errno(rawValue: errno) }
            }
        } catch {
            throw error as? Errno ?? .ioError
        }
    }
}
