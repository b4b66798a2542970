// SPDX-License-Identifier: Apache-2.0

import KithModel
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// An exclusive lock between processes (flock(2)); the kernel lets go of it when its holder dies.
struct FileLock: Sendable {
    struct HeldTooLong: Error {}

    private static let pollInterval = Duration.milliseconds(100)

    /// Made when missing, never removed: a removed lock file could be locked twice.
    var path: String
    /// How long to wait for another holder.
    var limit: Duration
    var clock: any TimeSource

    /// Runs `body` while holding the lock.
    ///
    /// - Throws: ``HeldTooLong``; `Errno`; `CancellationError`; what `body` throws.
    func hold<Result>(onWait: () -> Void, _ body: () async throws -> Result) async throws -> Result {
        let descriptor = try FileDescriptor.open(
            FilePath(path), .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite])
        let result: Result
        do {
            try await lock(descriptor, onWait)
            result = try await body()
        } catch {
            try descriptor.close()
            throw error
        }
        try descriptor.close()
        return result
    }

    private func lock(_ descriptor: FileDescriptor, _ onWait: () -> Void) async throws {
        let deadline = clock.now + limit
        var hasWaited = false
        while flock(descriptor.rawValue, LOCK_EX | LOCK_NB) != 0 {
            guard clock.now < deadline else { throw HeldTooLong() }
            if !hasWaited { onWait() }
            hasWaited = true
            try await clock.sleep(until: clock.now + Self.pollInterval, tolerance: nil)
        }
    }
}
