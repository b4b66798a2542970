// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// What this node knew at some moments: tells how long a kin has lacked what it lacks. A pure value, bounded.
struct SyncMarks: Sendable {
    /// Moments that are remembered.
    static let capacity = 128
    /// What is written within this time is one moment.
    static let gathering = Duration.milliseconds(250)

    private struct Mark: Sendable {
        /// When the first of it was written.
        let at: MonotonicInstant
        /// What was known once all of it was.
        var versions: VersionVector
    }

    /// The oldest first, each with versions that cover the one's before.
    private var marks: [Mark]

    /// - Parameter versions: What is known from the start.
    init(_ versions: VersionVector, now: MonotonicInstant) { marks = [Mark(at: now, versions: versions)] }

    /// The node knows more than before.
    mutating func note(_ versions: VersionVector, now: MonotonicInstant) {
        // What a forgotten node wrote is lacked by nobody.
        if let last = marks.last, !versions.covers(last.versions) {
            marks = [Mark(at: now, versions: versions)]
            return
        }
        // The first is what was there from the start.
        if marks.count > 1, let last = marks.last, now - last.at < Self.gathering {
            marks[marks.count - 1].versions = versions
            return
        }
        marks.append(Mark(at: now, versions: versions))
        // Every second one of the older half: of what is long past, the times may be rougher.
        if marks.count > Self.capacity {
            marks = marks.enumerated().filter { $0.offset >= Self.capacity / 2 || $0.offset.isMultiple(of: 2) }.map(
                \.element)
        }
    }

    /// How long the oldest write has been known here that `known` lacks; zero when it lacks none.
    func lag(of known: VersionVector, now: MonotonicInstant) -> Duration {
        guard let last = marks.last, !known.covers(last.versions) else { return .zero }
        // What is covered by one mark covers all before it.
        var (low, high) = (0, marks.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if known.covers(marks[middle].versions) { low = middle + 1 } else { high = middle }
        }
        return max(now - marks[low].at, .zero)
    }
}

/// The marks of a node; noted by the task that writes, read by any.
final class SharedMarks: Sendable {
    private let marks: Mutex<SyncMarks>
    private let clock: any TimeSource

    init(_ versions: VersionVector, clock: any TimeSource) {
        marks = Mutex(SyncMarks(versions, now: clock.now))
        self.clock = clock
    }

    func note(_ versions: VersionVector) { marks.withLock { $0.note(versions, now: clock.now) } }

    func lag(of known: VersionVector) -> Duration { marks.withLock { $0.lag(of: known, now: clock.now) } }
}
