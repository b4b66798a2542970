// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// Files that hold bytes, in contrast to folders, pipes and devices.
package enum RegularFile {
    /// Reads a small file whole. Never waits, even if the file turns out to be a pipe.
    ///
    /// - Parameters:
    ///   - limit: The most bytes that it may have.
    ///   - check: Looks at the open file before anything of it is read.
    /// - Throws: `Errno`, which is `fileTooLarge` also for anything but a regular file; what `check` throws.
    package static func read(
        _ file: FilePath, limit: Int, check: (Stat) throws -> Void = { _ in }
    ) throws -> [UInt8] {
        let descriptor = try FileDescriptor.open(file, .readOnly, options: [.closeOnExec, .nonBlocking])
        return try descriptor.closeAfter {
            let status = try descriptor.stat()
            try check(status)
            guard status.type == .regular, status.size <= Int64(limit) else { throw Errno.fileTooLarge }
            return try bytes(of: descriptor, count: Int(status.size))
        }
    }

    /// Reads a file of `/proc` or `/sys`, which does not say how long it is.
    ///
    /// - Parameter limit: Bytes from which on the rest is left out.
    /// - Throws: `Errno`, also where what it is about has gone.
    package static func readFromKernel(_ file: FilePath, limit: Int) throws -> [UInt8] {
        let descriptor = try FileDescriptor.open(file, .readOnly, options: [.closeOnExec, .nonBlocking])
        return try descriptor.closeAfter { try bytes(of: descriptor, count: limit) }
    }

    /// Fewer bytes when the file ends earlier.
    private static func bytes(of descriptor: FileDescriptor, count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let read = try bytes.withUnsafeMutableBytes { space in
                try descriptor.read(into: UnsafeMutableRawBufferPointer(rebasing: space[filled...]))
            }
            if read == 0 { break }
            filled += read
        }
        return Array(bytes.prefix(filled))
    }
}
