// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTransport
import NIOPosix
import Testing

@Suite("A clock whose sleepers an event loop wakes")
struct EventLoopClockTests {
    private let clock = EventLoopClock()

    @Test("Nobody is woken before the time, and who sleeps no time is not put to sleep")
    func wakes() async throws {
        let began = clock.now
        try await clock.sleep(until: began + .milliseconds(30), tolerance: nil)
        #expect(clock.now >= began + .milliseconds(30))
        try await clock.sleep(until: began, tolerance: nil)
    }

    @Test("Who is cancelled wakes at once, also when that came first", arguments: [true, false])
    func cancellation(comesFirst: Bool) async throws {
        let (starts, start) = AsyncStream.makeStream(of: Void.self)
        let sleeper = Task {
            if comesFirst { for await _ in starts {} }  // ends when the task is cancelled
            try await clock.sleep(until: clock.now + .seconds(3_600), tolerance: nil)
        }
        if !comesFirst { await Task.yield() }
        sleeper.cancel()
        start.finish()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
    }

    @Test("Thousands may sleep and be cancelled at once, from every thread, and each ends once")
    func many() async throws {
        let ended = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<4_000 {
                group.addTask {
                    let sleeper = Task {
                        try await clock.sleep(until: clock.now + .microseconds(number % 50 * 20), tolerance: nil)
                    }
                    if number % 3 == 0 { sleeper.cancel() }
                    return (try? await sleeper.value) != nil
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(ended >= 2_600)
    }
}
