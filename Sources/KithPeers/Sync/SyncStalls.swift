// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithSync

/// Of which logs one kin takes no more, so that it is not sent the same with every exchange. A pure value.
struct SyncStalls: Sendable {
    /// After this a log is tried again.
    static let pause = Duration.seconds(60)
    /// A kin that mentions nodes that are not kin here is asked who is kin not more often than this.
    static let askingPause = Duration.seconds(10)
    private static let limit = 256

    /// What was sent last, from where on.
    private var tried: [Replica: UInt64] = [:]
    private var since: [Replica: MonotonicInstant] = [:]
    private var askedAt: MonotonicInstant?

    mutating func sent(_ message: SyncMessage) {
        tried = Dictionary(
            message.ranges.lazy.filter { !$0.operations.isEmpty }.prefix(Self.limit).map { ($0.replica, $0.since) },
            uniquingKeysWith: { first, _ in first })
    }

    /// - Parameter versions: What the kin says that it knows, after what it was sent.
    mutating func heard(_ versions: VersionVector, now: MonotonicInstant) {
        for (replica, from) in tried {
            since[replica] = versions[replica] <= from ? now : nil
        }
        tried = [:]
    }

    mutating func stalled(now: MonotonicInstant) -> Set<Replica> {
        since = since.filter { now - $0.value < Self.pause }
        return Set(since.keys)
    }

    mutating func mayAsk(now: MonotonicInstant) -> Bool {
        if let askedAt, now - askedAt < Self.askingPause { return false }
        askedAt = now
        return true
    }
}
