// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Writes files so that they are on the disk, and not only on their way there, when a call returns.
package enum DurableFile {
    /// Who may read a file besides its owner.
    package enum Access: Sendable {
        case ownerOnly, everyoneReads

        fileprivate var permissions: FilePermissions {
            switch self {
            case .ownerOnly: .ownerReadWrite
            case .everyoneReads: [.ownerReadWrite, .groupRead, .otherRead]
            }
        }
    }

    /// Writes a file.
    ///
    /// - Throws: `Errno.fileExists` when there is one of this name.
    package static func create(
        _ file: FilePath, with bytes: [UInt8], access: Access = .ownerOnly
    ) throws(Errno) {
        do {
            let descriptor = try FileDescriptor.open(
                file, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: access.permissions)
            try descriptor.closeAfter {
                _ = try descriptor.writeAll(bytes)
                if fsync(descriptor.rawValue) != 0 { throw Errno(rawValue: errno) }
            }
        } catch {
            throw error as? Errno ?? .ioError
        }
    }

    /// Replaces a file in one step. For names that one process writes.
    package static func replace(
        _ file: FilePath, with bytes: [UInt8], access: Access = .ownerOnly
    ) throws(Errno) {
        let fresh = FilePath(file.string + ".new")
        unlink(fresh.string)  // of a process that was killed
        do throws(Errno) {
            try create(fresh, with: bytes, access: access)
            if rename(fresh.string, file.string) != 0 { throw Errno(rawValue: errno) }
        } catch {
            unlink(fresh.string)
            throw error
        }
        try synchronise(file.removingLastComponent())
    }

    /// Makes sure that the names in a folder are on the disk.
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
