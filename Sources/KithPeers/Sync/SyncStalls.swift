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
    /// An answer may be lost on its way, and a question may cross one that was sent: that a kin lacks what an answer held
    /// says something only when it says so again.
    private static let answersMissed = 2

    private struct Stall {
        var since: MonotonicInstant
        /// Where what the kin does not take begins.
        var from: UInt64
    }

    /// What the last answer held, from where on, and how often the kin has said since that it lacks it.
    private var answered: [Replica: (from: UInt64, missed: Int)] = [:]
    private var stalls: [Replica: Stall] = [:]
    private var askedAt: MonotonicInstant?

    /// The kin has answered a question, and said what it knows after it took what the question held.
    mutating func asked(_ question: SyncMessage, answer versions: VersionVector, now: MonotonicInstant) {
        for (replica, from) in Self.sent(question) { judge(replica, from, versions, now) }
        release(versions)
    }

    /// The kin is answered.
    mutating func sent(_ answer: SyncMessage) {
        let missed = answered
        answered = Self.sent(answer).reduce(into: [:]) { all, sent in
            let before = missed[sent.0].flatMap { $0.from == sent.1 ? $0.missed : nil }
            all[sent.0] = (sent.1, before ?? 0)
        }
    }

    /// The kin says with a question of its own what it knows.
    mutating func heard(_ versions: VersionVector, now: MonotonicInstant) {
        for (replica, sent) in answered where versions[replica] <= sent.from {
            answered[replica]?.missed = sent.missed + 1
            if sent.missed + 1 >= Self.answersMissed { judge(replica, sent.from, versions, now) }
        }
        release(versions)
    }

    mutating func stalled(now: MonotonicInstant) -> Set<Replica> {
        stalls = stalls.filter { now - $0.value.since < Self.pause }
        return Set(stalls.keys)
    }

    mutating func mayAsk(now: MonotonicInstant) -> Bool {
        if let askedAt, now - askedAt < Self.askingPause { return false }
        askedAt = now
        return true
    }

    private mutating func judge(
        _ replica: Replica, _ from: UInt64, _ versions: VersionVector, _ now: MonotonicInstant
    ) {
        guard versions[replica] <= from else { return }
        stalls[replica] = Stall(since: now, from: from)
    }

    /// What the kin has taken since is no longer held back.
    private mutating func release(_ versions: VersionVector) {
        stalls = stalls.filter { versions[$0.key] <= $0.value.from }
    }

    private static func sent(_ message: SyncMessage) -> [(Replica, UInt64)] {
        message.ranges.lazy.filter { !$0.operations.isEmpty }.prefix(limit).map { ($0.replica, $0.since) }
    }
}
