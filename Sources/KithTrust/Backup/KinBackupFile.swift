// SPDX-License-Identifier: Apache-2.0

import KithModel
package import SystemPackage

/// Why the file about kin could not be read or written. The node goes on without it.
package struct KinBackupError: Error, Sendable, CustomStringConvertible {
    package let file: String
    /// What is wrong, after the name of the file.
    package let message: String
    package let cause: Errno?

    package var description: String { "\(file) \(message)" + (cause.map { ": \($0)" } ?? "") }
}

/// The file in which a ``KinBackup`` is kept, beside the node's key. One process writes it.
///
/// What has been kept is on the disk. Writing blocks a thread for as long as the disk takes; kin change rarely.
package actor KinBackupFile {
    package let path: FilePath
    private let report: @Sendable (KinBackupError) -> Void
    /// What the file holds, as far as it is known.
    private var kept: KinBackup?

    /// - Parameters:
    ///   - folder: that of the identity.
    ///   - report: told of what cannot be read or written.
    package init(folder: FilePath, report: @escaping @Sendable (KinBackupError) -> Void) {
        path = folder.appending("kin")
        self.report = report
    }

    /// - Returns: `nil` also for a file that cannot be read, which has been reported then.
    package func read() -> KinBackup? {
        do {
            guard let bytes = try contents() else { return nil }
            guard let backup = KinBackup(bytes) else {
                report(KinBackupError(file: path.string, message: "is damaged", cause: nil))
                return nil
            }
            kept = backup
            return backup
        } catch {
            report(KinBackupError(file: path.string, message: "cannot be read", cause: error))
            return nil
        }
    }

    /// Puts what `current` returns into the file, unless it is there. Asked here, so that of several changes at the same
    /// time the last is what stays.
    package func keep(_ current: @Sendable () -> KinBackup) {
        let backup = current()
        if backup == kept { return }
        do {
            try DurableFile.replace(path, with: backup.encoded)
            kept = backup
        } catch {
            kept = nil
            report(KinBackupError(file: path.string, message: "cannot be written", cause: error))
        }
    }

    /// - Returns: `nil` when there is no file.
    private func contents() throws(Errno) -> [UInt8]? {
        do {
            // Without waiting, because what looks like a file may be a pipe.
            let descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
            return try descriptor.closeAfter {
                let status = try descriptor.stat()
                guard status.type == .regular, status.size <= Int64(KinBackup.byteLimit) else {
                    throw Errno.fileTooLarge
                }
                return try Self.bytes(of: descriptor, count: Int(status.size))
            }
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch {
            throw error as? Errno ?? .ioError
        }
    }

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
