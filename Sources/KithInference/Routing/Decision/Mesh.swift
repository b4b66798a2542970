// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What routing needs to know of the nodes, and how it reaches them.
package protocol Mesh: Sendable {
    /// This node first, then every peer, with what was last heard of it; never waits.
    func snapshots() -> [NodeSnapshot]

    /// - Returns: `nil` when the node has gone from the mesh, or has nothing that answers.
    func backend(for node: NodeID) -> (any Answering)?

    /// A request to the node failed; lets a dead node be known as dead before the next probe.
    func report(_ failure: ChatError, from node: NodeID)

    /// A request names a model that no node is known to have: this node's engine may have it by now.
    func noteUnknownModel()

    /// Wakes a node that is asleep, or says how far that is; never waits.
    func wake(_ node: NodeID) -> WakeStep

    /// How long a node that is asleep takes to wake, where a prompt wakes it now and that was measured before; never waits.
    func wakeForecast(of node: NodeID) -> WakeForecast?

    /// How often a node has begun to drain, so that a change is seen at once; read with every token.
    var drainCount: Int { get }
}

extension Mesh {
    package func noteUnknownModel() {}

    package func wake(_ node: NodeID) -> WakeStep { .refused("nobody here wakes it") }

    package func wakeForecast(of node: NodeID) -> WakeForecast? { nil }

    package var drainCount: Int { 0 }
}

/// How far the waking of a node is.
package enum WakeStep: Hashable, Sendable {
    /// It is being woken, and waited for until then at the latest.
    case underWay(until: MonotonicInstant)
    /// It is not woken now, and why, in words that follow "is asleep: ".
    case refused(String)
}

/// When a machine will be awake.
package struct WakeForecast: Hashable, Sendable {
    /// From the first packet until it is there, as it usually takes.
    package var usual: Duration
    /// When the first packet was sent; `nil` where none was.
    package var begun: MonotonicInstant?

    package init(usual: Duration, begun: MonotonicInstant?) {
        self.usual = usual
        self.begun = begun
    }

    /// What is left; a second for one that is late, which may come any moment.
    package func left(now: MonotonicInstant) -> Duration {
        begun.map { max(usual - (now - $0), .seconds(1)) } ?? usual
    }
}

/// What is known of one node when a prompt is to be placed.
package struct NodeSnapshot: Sendable {
    package enum Reachability: Hashable, Sendable {
        case up
        /// Known for a few seconds, so that it may be heard from any moment.
        case new
        /// Known, but not heard from yet.
        case unknown
        /// Why, in a few words.
        case down(String)
        /// It said that it goes to sleep. → up, when it is woken
        case asleep

        /// Why one is down that said goodbye.
        package static let left = "left"
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
    /// For people; may change, and does not identify the node.
    package var name: NodeName
    package var isSelf: Bool
    package var tier: Tier
    package var reachability: Reachability
    package var isDraining: Bool
    /// While its engine is down, the models that it had. The first usable one is for requests that name none.
    package var models: [ModelInfo]
    package var engine: EngineState
    /// Which of the models are in memory; `nil` where the engine does not say.
    package var resident: [ModelID]?
    package var slots: Int
    /// Requests running and waiting there.
    package var outstanding: Int
    package var latency: Duration
    /// The level declared for the node, as a weight; 1 is ordinary.
    package var level: Double
    /// What its machine has left for models, and runs on; `nil` where that is not known.
    package var machine: MachineFacts?
    /// When this was true; for a kin, when it was heard.
    package var takenAt: MonotonicInstant
    /// When the node itself was last heard from.
    package var lastHeard: MonotonicInstant

    package init(
        id: NodeID, name: NodeName, isSelf: Bool = false, tier: Tier = .kin, reachability: Reachability = .up,
        isDraining: Bool = false, models: [ModelInfo], engine: EngineState = .ready,
        resident: [ModelID]? = nil, slots: Int = 1,
        outstanding: Int = 0, latency: Duration = .zero, level: Double = 1, machine: MachineFacts? = nil,
        takenAt: MonotonicInstant = .zero,
        lastHeard: MonotonicInstant = .zero
    ) {
        self.id = id
        self.name = name
        self.isSelf = isSelf
        self.tier = tier
        self.reachability = reachability
        self.isDraining = isDraining
        self.models = models
        self.engine = engine
        self.resident = resident
        // Kin say these; limited to what arithmetic can handle.
        self.slots = min(max(1, slots), Self.countLimit)
        self.outstanding = min(max(0, outstanding), Self.countLimit)
        self.latency = latency
        self.level = level
        self.machine = machine
        self.takenAt = takenAt
        self.lastHeard = lastHeard
    }

    /// Whether a model has to be loaded before it answers.
    package func isCold(_ model: ModelID) -> Bool { resident.map { !$0.contains(model) } ?? false }

    /// Bytes of memory that are missing to load a model; `nil` where it is loaded, has room, or nobody knows.
    package func missingMemory(for model: ModelInfo) -> Int? {
        guard isCold(model.id), !model.mayCost, let bytes = model.bytes else { return nil }
        return machine?.missing(forWeights: bytes)
    }

    /// Whether prompts may be sent there at all.
    package var mayAnswer: Bool {
        guard tier == .kin, reachability == .up, !isDraining, !models.isEmpty else { return false }
        if case .down = engine { return false }
        return true
    }
}

/// A model on a node: the unit that is chosen, measured and guarded by a breaker.
///
/// Two are the same when node and model are: names change, and two nodes may claim the same.
package struct Candidate: Hashable, Sendable, CustomStringConvertible {
    package var node: NodeID
    /// The node's name when the candidate was found, for people only.
    package var name: NodeName
    package var model: ModelID

    package init(node: NodeID, name: NodeName, model: ModelID) {
        self.node = node
        self.name = name
        self.model = model
    }

    init(_ node: NodeSnapshot, model: ModelID) { self.init(node: node.id, name: node.name, model: model) }

    package static func == (left: Candidate, right: Candidate) -> Bool {
        left.node == right.node && left.model == right.model
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(node)
        hasher.combine(model)
    }

    package var description: String { "\(name)/\(model)" }
}
