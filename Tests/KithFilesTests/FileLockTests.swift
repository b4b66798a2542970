// SPDX-License-Identifier: Apache-2.0

import KithFiles
import KithModel
import KithTesting
import Synchronization
import SystemPackage
import Testing

@Suite("Locks between processes")
struct FileLockTests {
    private final class Waits: Sendable {
        private let value = Mutex(0)

        func count() { value.withLock { $0 += 1 } }

        var number: Int { value.withLock { $0 } }
    }

    private let folder: TemporaryFolder
    private let path: FilePath
    private let clock = ManualClock()

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path.appending("lock")
    }

    private func release(_ lock: consuming FileLock) {}

    /// Lets whoever waits for the lock try again.
    private func poll() async {
        while clock.sleeperCount == 0 { await Task.yield() }
        clock.advance(by: .milliseconds(100))
    }

    @Test("A lock has one holder at a time, and its file is its owner's only and stays")
    func exclusive() throws {
        #expect(!FileLock.isHeld(path))
        let lock = try FileLock.claim(path)
        #expect(FileLock.isHeld(path))
        #expect(throws: FileLock.Held.self) { _ = try FileLock.claim(path) }
        release(lock)
        #expect(!FileLock.isHeld(path))
        release(try FileLock.claim(path))
        #expect(try folder.mode(of: "lock") == 0o600)
    }

    @Test("Where no file can be nobody holds a lock, and nobody gets one")
    func nowhere() {
        let nowhere = folder.path.appending("none/lock")
        #expect(!FileLock.isHeld(nowhere))
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try FileLock.claim(nowhere) }
    }

    @Test("Whoever waits says so once, and gets the lock when its holder is done")
    func waiting() async throws {
        let waits = Waits()
        let lock = try FileLock.claim(path)
        let waiting = Task { [path, clock] in
            try await FileLock.hold(path, limit: .seconds(10), clock: clock, onWait: { waits.count() }) {
                FileLock.isHeld(path)
            }
        }
        await poll()
        await poll()
        while clock.sleeperCount == 0 { await Task.yield() }
        release(lock)
        clock.advance(by: .milliseconds(100))
        #expect(try await waiting.value)
        #expect(waits.number == 1)
        #expect(!FileLock.isHeld(path))
    }

    @Test("Whoever has waited for too long is refused")
    func tooLong() async throws {
        let lock = try FileLock.claim(path)
        let waiting = Task { [path, clock] in
            try await FileLock.hold(path, limit: .seconds(1), clock: clock, onWait: {}) { true }
        }
        for _ in 0..<10 { await poll() }
        await #expect(throws: FileLock.Held.self) { try await waiting.value }
        release(lock)
    }

    @Test("Work that fails lets go of the lock")
    func failure() async {
        struct Broken: Error {}
        await #expect(throws: Broken.self) {
            try await FileLock.hold(path, limit: .zero, clock: clock, onWait: {}) { () async throws -> Void in
                throw Broken()
            }
        }
        #expect(!FileLock.isHeld(path))
    }
}
