// SPDX-License-Identifier: Apache-2.0

import KithModel

/// When each token is due, counted from the moment the answer began.
struct TestPace: Sendable {
    var firstTokenDelay: Duration
    var interval: Duration
    var clock: any TimeSource

    init(settings: TestEngineSettings, clock: any TimeSource) {
        firstTokenDelay = settings.firstTokenDelay
        self.clock = clock
        if let rate = settings.tokensPerSecond, rate > 0, rate.isFinite {
            interval = .nanoseconds(Int64(min(1e9 / rate, 1e15)))
        } else {
            interval = .zero
        }
    }

    func deadline(ofToken index: Int, from start: Moment) -> Moment {
        start.advanced(by: firstTokenDelay + interval * index)
    }

    /// Waits for a deadline; does not give up the thread for one that has passed.
    func wait(until deadline: Moment) async throws {
        try Task.checkCancellation()
        if clock.now < deadline { try await clock.sleep(until: deadline, tolerance: nil) }
    }
}
