// SPDX-License-Identifier: Apache-2.0

extension TimeSource {
    /// Of the moments at which those wake who need not wake exactly.
    private static var second: Int64 { 1_000_000_000 }

    /// Sleeps for about a time that is a matter of seconds: until the whole second of this clock that is nearest to its end.
    ///
    /// All who sleep so wake together, so that a process that has nothing to do wakes once where it would wake for each of
    /// them. Shorter times are kept as they are.
    ///
    /// - Throws: `CancellationError`.
    package func sleep(forAbout duration: Duration) async throws {
        try await sleep(until: Self.wholeSecond(nearest: now, plus: duration), tolerance: nil)
    }

    static func wholeSecond(nearest now: Moment, plus duration: Duration) -> Moment {
        let end = now + duration
        guard duration >= .seconds(1) else { return end }
        let rest = end.nanoseconds % second
        let earlier = end.advanced(by: .nanoseconds(-rest))
        let nearest = rest < second / 2 ? earlier : earlier + .nanoseconds(second)
        return nearest > now ? nearest : end
    }
}
