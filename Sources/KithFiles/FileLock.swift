// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// An exclusive lock between processes (flock(2)) that is held as long as this value lives; the kernel releases it when
/// its holder dies.
///
/// Its file is made when missing, with mode 0600, and never removed: a removed lock file could be locked twice.
package struct FileLock: ~Copyable, Sendable {
    /// Another process holds the lock, or held it for too long.
    package struct Held: Error {}

    private static let pollInterval = Duration.milliseconds(100)

    private let file: FileDescriptor

    private init(file: FileDescriptor) { self.file = file }

    deinit { try? file.close() }  // at the end of its work nothing can be done about it

    /// Locks without waiting.
    ///
    /// - Throws: ``Held``; `Errno` when the file cannot be made or opened.
    package static func claim(_ path: FilePath) throws -> FileLock {
        let file = try open(path)
        guard tryLock(file) else {
            try? file.close()  // the refusal below is what matters
            throw Held()
        }
        return FileLock(file: file)
    }

    /// Runs `body` while holding the lock.
    ///
    /// - Parameters:
    ///   - limit: How long to wait for another holder.
    ///   - onWait: Called once, when there is another holder.
    /// - Throws: ``Held``; `Errno`; `CancellationError`; what `body` throws.
    package static func hold<Result>(
        _ path: FilePath, limit: Duration, clock: any TimeSource, onWait: () -> Void,
        _ body: () async throws -> Result
    ) async throws -> Result {
        let file = try open(path)
        let result: Result
        do {
            try await wait(for: file, limit: limit, clock: clock, onWait)
            result = try await body()
        } catch {
            try file.close()
            throw error
        }
        try file.close()
        return result
    }

    /// Whether a process holds the lock now. A file that is missing, or cannot be opened, counts as not held.
    package static func isHeld(_ path: FilePath) -> Bool {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return false }
        defer { try? file.close() }
        return flock(file.rawValue, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    private static func open(_ path: FilePath) throws -> FileDescriptor {
        try FileDescriptor.open(
            path, .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite])
    }

    private static func tryLock(_ file: FileDescriptor) -> Bool { flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 }

    private static func wait(
        for file: FileDescriptor, limit: Duration, clock: any TimeSource, _ onWait: () -> Void
    ) async throws {
        let deadline = clock.now + limit
        var hasWaited = false
        while !tryLock(file) {
            guard clock.now < deadline else { throw Held() }
            if !hasWaited { onWait() }
            hasWaited = true
            try await clock.sleep(until: clock.now + pollInterval, tolerance: nil)
        }
    }
}
