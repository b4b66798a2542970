// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What is known of one node when a prompt is to be placed.
package struct NodeSnapshot: Sendable {
    package enum Reachability: Hashable, Sendable {
        case up
        /// Known and not heard of yet.
        case unknown
        /// Why, in a few words.
        case down(String)
    }

    /// How the node's engine is.
    package enum EngineState: Hashable, Sendable {
        /// With what it offers, which is nothing on a node without an engine.
        case ready
        case loading
        /// Why, in words; the models are those it had.
        case down(String)
        /// It has not said what it offers.
        case unknown
    }

    /// No node has more slots, or more requests, than this.
    package static let countLimit = 1_000_000

    package var id: NodeID
    /// For people; may change, and says nothing of who it is.
    package var name: NodeName
    package var isSelf: Bool
    package var tier: Tier
    package var reachability: Reachability
    package var isDraining: Bool
    /// Those it had, while its engine is down; the first that may be is for requests that name none.
    package var models: [ModelInfo]
    package var engine: EngineState
    package var slots: Int
    /// Requests running and waiting there.
    package var outstanding: Int
    package var latency: Duration
    /// The level declared for the node, as a weight; 1 is ordinary.
    package var level: Double
    /// When this was true; for a kin, when it was heard.
    package var takenAt: Moment
    /// When the node itself was heard last.
    package var lastHeard: Moment

    package init(
        id: NodeID, name: NodeName, isSelf: Bool = false, tier: Tier = .kin, reachability: Reachability = .up,
        isDraining: Bool = false, models: [ModelInfo], engine: EngineState = .ready, slots: Int = 1,
        outstanding: Int = 0, latency: Duration = .zero, level: Double = 1, takenAt: Moment = .zero,
        lastHeard: Moment = .zero
    ) {
        self.id = id
        self.name = name
        self.isSelf = isSelf
        self.tier = tier
        self.reachability = reachability
        self.isDraining = isDraining
        self.models = models
        self.engine = engine
        // Kin say these; held to what arithmetic bears.
        self.slots = min(max(1, slots), Self.countLimit)
        self.outstanding = min(max(0, outstanding), Self.countLimit)
        self.latency = latency
        self.level = level
        self.takenAt = takenAt
        self.lastHeard = lastHeard
    }

    /// Whether prompts may be sent there at all.
    package var mayAnswer: Bool {
        guard tier == .kin, reachability == .up, !isDraining, !models.isEmpty else { return false }
        if case .down = engine { return false }
        return true
    }
}
