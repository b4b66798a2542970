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

    /// No node has more slots, or more requests, than this.
    package static let countLimit = 1_000_000

    package var name: NodeName
    package var isSelf: Bool
    package var tier: Tier
    package var reachability: Reachability
    package var isDraining: Bool
    /// The first is the one for requests that name none.
    package var models: [ModelInfo]
    /// Whether the engine still loads its model.
    package var isLoading: Bool
    package var slots: Int
    /// Requests running and waiting there.
    package var outstanding: Int
    package var latency: Duration
    /// The level declared for the node, as a weight; 1 is ordinary.
    package var level: Double
    /// When this was true; for a kin, when it was heard.
    package var takenAt: Moment

    package init(
        name: NodeName, isSelf: Bool = false, tier: Tier = .kin, reachability: Reachability = .up,
        isDraining: Bool = false, models: [ModelInfo], isLoading: Bool = false, slots: Int = 1, outstanding: Int = 0,
        latency: Duration = .zero, level: Double = 1, takenAt: Moment = .zero
    ) {
        self.name = name
        self.isSelf = isSelf
        self.tier = tier
        self.reachability = reachability
        self.isDraining = isDraining
        self.models = models
        self.isLoading = isLoading
        // Kin say these; held to what arithmetic bears.
        self.slots = min(max(1, slots), Self.countLimit)
        self.outstanding = min(max(0, outstanding), Self.countLimit)
        self.latency = latency
        self.level = level
        self.takenAt = takenAt
    }
}

/// A model on a node: the unit that is chosen, measured and guarded by a breaker.
package struct Candidate: Hashable, Sendable {
    package var node: NodeName
    package var model: ModelID

    package init(node: NodeName, model: ModelID) {
        self.node = node
        self.model = model
    }
}
