// SPDX-License-Identifier: Apache-2.0

/// How a node is at one moment, as the node itself sees it: what metrics show as gauges, what alerts judge, and what the page
/// tells of its health. Totals count from the start of the process.
package struct NodeVitals: Sendable {
    /// A node's own engine.
    package struct Engine: Hashable, Sendable {
        package enum Health: Hashable, Sendable {
            case ready
            case loading
            case down(String)
            /// The node has no engine, and is not meant to.
            case none
        }

        package var kind: String?
        package var health: Health
        package var slots: Int
        package var active: Int
        package var queued: Int
        /// Requests that may wait at once.
        package var queueLimit: Int

        package init(kind: String?, health: Health, slots: Int, active: Int, queued: Int, queueLimit: Int) {
            self.kind = kind
            self.health = health
            self.slots = slots
            self.active = active
            self.queued = queued
            self.queueLimit = queueLimit
        }
    }

    /// A paired node, as this one sees it.
    package struct Peer: Sendable {
        package var id: NodeID
        package var name: NodeName
        package var tier: Tier
        /// One of the words that `kith peers` shows: up, suspect, down, left, unknown, incompatible.
        package var state: String
        package var roundTrip: Duration?
        /// How long the oldest write that the peer lacks has waited for it; zero when it lacks none, `nil` for a peer that
        /// shares no state or was never in reach.
        package var syncLag: Duration?
        /// The peer's clock less this node's, as far as one exchange tells; `nil` where nothing is known.
        package var clockOffset: Duration?

        package init(
            id: NodeID, name: NodeName, tier: Tier, state: String, roundTrip: Duration? = nil, syncLag: Duration? = nil,
            clockOffset: Duration? = nil
        ) {
            self.id = id
            self.name = name
            self.tier = tier
            self.state = state
            self.roundTrip = roundTrip
            self.syncLag = syncLag
            self.clockOffset = clockOffset
        }
    }

    /// What became of the prompts that clients gave to this node, since its start.
    package struct Answers: Hashable, Sendable {
        package var completed: Int
        /// For reasons that were not the client's; without those that were turned away.
        package var failed: Int
        package var abandoned: Int
        /// Turned away since every queue was full.
        package var queueRefusals: Int
        package var continuations: Int
        /// Broke off, and nobody went on.
        package var continuationsFailed: Int
        /// How long clients waited for the first token: how many waited at most as long as each bound.
        package var firstToken: DurationCounts

        package init(
            completed: Int = 0, failed: Int = 0, abandoned: Int = 0, queueRefusals: Int = 0, continuations: Int = 0,
            continuationsFailed: Int = 0, firstToken: DurationCounts = DurationCounts()
        ) {
            self.completed = completed
            self.failed = failed
            self.abandoned = abandoned
            self.queueRefusals = queueRefusals
            self.continuations = continuations
            self.continuationsFailed = continuationsFailed
            self.firstToken = firstToken
        }
    }

    package struct Disk: Hashable, Sendable {
        /// Bytes on the file system that holds the node's state.
        package var size: Int64
        /// Bytes of those that the node may still use.
        package var free: Int64

        package init(size: Int64, free: Int64) {
            self.size = size
            self.free = free
        }
    }

    package var engine: Engine
    package var peers: [Peer]
    package var answers: Answers
    /// Why the node does less than it should, in words, such as a bridge that has fallen back; `nil` when it does not.
    package var degraded: String?
    package var disk: Disk?
    /// When the first certificate that clients are shown ends; `nil` without TLS.
    package var certificateEnds: WallTime?

    package init(
        engine: Engine, peers: [Peer] = [], answers: Answers = Answers(), degraded: String? = nil, disk: Disk? = nil,
        certificateEnds: WallTime? = nil
    ) {
        self.engine = engine
        self.peers = peers
        self.answers = answers
        self.degraded = degraded
        self.disk = disk
        self.certificateEnds = certificateEnds
    }
}

/// Durations counted in a few sizes, as Prometheus' histograms count them.
package struct DurationCounts: Hashable, Sendable {
    /// Upper bounds in seconds, rising; a last size without a bound follows them.
    package static let bounds: [Double] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]

    /// How many lie in each size and in no smaller one: one more than there are bounds.
    package private(set) var counts = [Int](repeating: 0, count: DurationCounts.bounds.count + 1)
    /// In seconds.
    package private(set) var sum = 0.0

    package init() {}

    package var total: Int { counts.reduce(0, +) }

    package mutating func add(_ duration: Duration) {
        let seconds = duration.seconds
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sum += seconds
    }

    /// What was added since `earlier`.
    package func since(_ earlier: DurationCounts) -> DurationCounts {
        var difference = self
        for index in counts.indices { difference.counts[index] -= earlier.counts[index] }
        difference.sum -= earlier.sum
        return difference
    }
}

/// Something that knows how its node is.
package protocol NodeVitalsSource: Sendable {
    /// Waits for no other machine.
    func vitals() async -> NodeVitals
}
