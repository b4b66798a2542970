// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Gives timestamps that grow with every write and exceed every timestamp that was observed.
struct HybridClock: Sendable {
    /// How far a timestamp may be ahead of this machine's clock before it is held back.
    static let tolerance = Duration.seconds(300)

    private(set) var last = HybridTime(bits: 0)

    /// The timestamp of a write made now.
    mutating func tick(now: WallTime) -> HybridTime {
        let wall = HybridTime(milliseconds: now.milliseconds)
        // A clock that was far ahead and has been set right must not leave its mark on every later write.
        last = last < wall || Self.isAhead(last, of: now) ? wall : last.next
        return last
    }

    mutating func observe(_ time: HybridTime, now: WallTime) {
        if time > last, !Self.isAhead(time, of: now) { last = time }
    }

    static func isAhead(_ time: HybridTime, of now: WallTime) -> Bool {
        time.wall > now.advanced(by: tolerance)
    }

    /// When such an operation is no longer held back.
    static func release(of time: HybridTime) -> WallTime { time.wall.advanced(by: .zero - tolerance) }
}
