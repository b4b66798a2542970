// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How a node is, and what became of its prompts in the last minutes: what conditions are judged by.
package struct VitalsWindow: Sendable {
    /// How far back what is counted goes; the same in the expressions for Prometheus.
    package static let span = Duration.seconds(300)
    /// Samples that are kept.
    static let capacity = 64

    private struct Sample {
        var at: MonotonicInstant
        var answers: NodeVitals.Answers
    }

    /// The node that is judged.
    package let node: NodeID
    package let name: NodeName
    package private(set) var vitals: NodeVitals
    package private(set) var wall: WallTime
    /// The oldest first, at least a `capacity`th of the span apart.
    private var samples: [Sample]

    package init(node: NodeID, name: NodeName, first: NodeVitals, now: MonotonicInstant, wall: WallTime) {
        self.node = node
        self.name = name
        self.wall = wall
        vitals = first
        samples = [Sample(at: now, answers: first.answers)]
    }

    package mutating func add(_ vitals: NodeVitals, now: MonotonicInstant, wall: WallTime) {
        self.vitals = vitals
        self.wall = wall
        // After a machine has slept, what was counted before says nothing about the last minutes.
        if let last = samples.last, now - last.at > Self.span { samples = [] }
        guard now - (samples.last?.at ?? now) >= Self.span / (Self.capacity - 2) || samples.isEmpty else { return }
        samples.append(Sample(at: now, answers: vitals.answers))
        // One that is as old as the span stays, to count from.
        while samples.count > 2, now - samples[1].at >= Self.span { samples.removeFirst() }
        if samples.count > Self.capacity { samples.removeFirst() }
    }

    /// What was added to the totals within the span.
    package var recent: NodeVitals.Answers {
        guard let base = samples.first?.answers else { return NodeVitals.Answers() }
        let now = vitals.answers
        return NodeVitals.Answers(
            completed: now.completed - base.completed, failed: now.failed - base.failed,
            abandoned: now.abandoned - base.abandoned, queueRefusals: now.queueRefusals - base.queueRefusals,
            continuations: now.continuations - base.continuations,
            continuationsFailed: now.continuationsFailed - base.continuationsFailed,
            firstToken: now.firstToken.since(base.firstToken))
    }
}

extension DurationCounts {
    /// The duration in seconds that this share of all stays below, as Prometheus' `histogram_quantile` reckons it: evenly
    /// spread within a size, and the last bound for what is beyond.
    ///
    /// - Returns: `nil` when nothing was counted.
    package func quantile(_ share: Double) -> Double? {
        guard total > 0, let last = Self.bounds.last else { return nil }
        let rank = share * Double(total)
        var below = 0
        for (index, bound) in Self.bounds.enumerated() {
            let count = counts[index]
            if count > 0, Double(below + count) >= rank {
                let lower = index == 0 ? 0 : Self.bounds[index - 1]
                return lower + (bound - lower) * (rank - Double(below)) / Double(count)
            }
            below += count
        }
        return last
    }
}
