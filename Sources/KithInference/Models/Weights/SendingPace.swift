// SPDX-License-Identifier: Apache-2.0

import KithModel

/// How fast a node sends weights, all copies together: a pure value. While it answers prompts no faster than a limit, else
/// as fast as goes.
struct SendingPace: Sendable {
    /// Bytes a second while prompts are answered; `nil` for as many as go.
    let limit: Int?
    /// When the bytes that were let through have been sent at the limit.
    private var paidUntil: MonotonicInstant?

    init(limit: Int?) { self.limit = limit }

    /// How many bytes are sent at once: at the limit few, so that the pauses between them are short.
    func block(isAnswering: Bool) -> Int {
        guard let limit, isAnswering else { return WeightsReader.block }
        return min(WeightsReader.block, max(4 << 10, limit / 16))
    }

    /// - Returns: How long to wait before so many bytes more are sent.
    mutating func wait(toSend bytes: Int, isAnswering: Bool, now: MonotonicInstant) -> Duration {
        guard let limit, isAnswering else {
            paidUntil = nil
            return .zero
        }
        let start = max(paidUntil ?? now, now)
        paidUntil = start + .seconds(Double(bytes) / Double(max(1, limit)))
        return start - now
    }
}
