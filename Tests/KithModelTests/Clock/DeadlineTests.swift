// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@Suite("A deadline")
struct DeadlineTests {
    private struct Broken: Error {}

    private let clock = ManualClock()

    @Test("Work that is done in time gives its value, and leaves nobody asleep")
    func inTime() async throws {
        #expect(try await withDeadline(clock.now + .seconds(1), clock: clock) { 7 } == 7)
        #expect(try await abandonAfter(.seconds(1), clock: clock) { 7 } == 7)
        while clock.sleeperCount > 0 { await Task.yield() }
    }

    @Test("Work that fails says what it failed of")
    func failing() async {
        await #expect(throws: Broken.self) {
            try await withDeadline(clock.now + .seconds(1), clock: clock) { throw Broken() }
        }
        await #expect(throws: Broken.self) { try await abandonAfter(.seconds(1), clock: clock) { throw Broken() } }
    }

    @Test("Work that takes too long is cancelled")
    func late() async {
        await #expect(throws: DeadlineExceeded.self) {
            try await withDeadline(clock.now + .seconds(1), clock: clock) { [clock] in
                clock.advance(by: .seconds(1))
                try await clock.sleep(for: .seconds(3_600))
            }
        }
    }

    @Test("Work that does not heed its cancellation is abandoned, and what it says later counts for nothing")
    func abandoned() async {
        let (never, stopping) = AsyncStream.makeStream(of: Void.self)
        let waiting = Task { [clock] in
            try await abandonAfter(.seconds(1), clock: clock) {
                await Task { for await _ in never {} }.value  // which nobody cancels
            }
        }
        while clock.sleeperCount == 0 { await Task.yield() }
        clock.advance(by: .seconds(1))
        await #expect(throws: DeadlineExceeded.self) { try await waiting.value }
        stopping.finish()
    }

    @Test("A task that is cancelled stops waiting at once")
    func cancelled() async {
        let (never, stopping) = AsyncStream.makeStream(of: Void.self)
        let waiting = Task { [clock] in
            try await abandonAfter(.seconds(1), clock: clock) { await Task { for await _ in never {} }.value }
        }
        while clock.sleeperCount == 0 { await Task.yield() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        stopping.finish()
    }

    @Test("Of several results the first counts")
    func first() async throws {
        let first = FirstResult<Int>()
        first.end(.success(1))
        first.end(.success(2))
        #expect(try await first.run { 3 } == 1)
    }
}
