// SPDX-License-Identifier: Apache-2.0

import KithInference
package import KithModel

/// One peer as it is known at the moment.
package struct PeerEntry: Sendable {
    package enum State: Hashable, Sendable {
        /// Not heard of yet, and why if something is known.
        case unknown(String?)
        case up
        /// It has not answered lately; others are being asked, and nothing is sent there that can go elsewhere.
        case suspect
        case down(String)
        /// It said goodbye.
        case left
        /// The versions of the protocol that it speaks have none in common with this node's.
        case incompatible(theirs: ProtocolVersions, ours: ProtocolVersions)
        /// A plain seed-style service, which is not watched.
        case plain
    }

    /// `nil` for a plain seed-style service.
    package var id: NodeID?
    /// Unique among the entries and different from this node's.
    package var name: NodeName
    package var tier: Tier
    package var state: State
    package var load: PeerLoad?
    package var models: [ModelInfo]
    /// Whether it has said what it offers.
    package var isDescribed: Bool
    package var addresses: [String]
    package var latency: Duration?
    package var lastHeard: Moment?
    /// When the load was true.
    package var takenAt: Moment
    /// Two instances use this identity.
    package var isCloned: Bool

    package init(
        id: NodeID?, name: NodeName, tier: Tier, state: State, load: PeerLoad? = nil, models: [ModelInfo] = [],
        isDescribed: Bool = false, addresses: [String] = [], latency: Duration? = nil, lastHeard: Moment? = nil,
        takenAt: Moment = .zero,
        isCloned: Bool = false
    ) {
        self.id = id
        self.name = name
        self.tier = tier
        self.state = state
        self.load = load
        self.models = models
        self.isDescribed = isDescribed
        self.addresses = addresses
        self.latency = latency
        self.lastHeard = lastHeard
        self.takenAt = takenAt
        self.isCloned = isCloned
    }

    /// Added to the way to a suspect, so that it is the last choice and still one.
    private static let doubt = Duration.seconds(5)

    /// What routing needs to know.
    func snapshot(of id: NodeID) -> NodeSnapshot {
        let (reachability, doubt): (NodeSnapshot.Reachability, Duration) =
            switch state {
            case .up: (.up, .zero)
            case .suspect: (.up, Self.doubt)
            case .unknown, .plain: (.unknown, .zero)
            case .down(let why): (.down(why), .zero)
            case .left: (.down("left"), .zero)
            case .incompatible(let theirs, _): (.down("speaks protocol version \(theirs)"), .zero)
            }
        return NodeSnapshot(
            id: id, name: name, tier: tier, reachability: reachability, isDraining: load?.isDraining ?? false,
            models: models, engine: engine, slots: load?.slots ?? 1,
            outstanding: load?.outstanding ?? 0,
            latency: (latency ?? .zero) + doubt, level: load?.level ?? 1, takenAt: takenAt,
            lastHeard: lastHeard ?? .zero)
    }

    /// A node that has told of itself but not yet of its models is not one without any.
    private var engine: NodeSnapshot.EngineState {
        guard let load else { return .unknown }
        if let why = load.engineDown { return .down(why) }
        if load.loading { return .loading }
        return isDescribed ? .ready : .unknown
    }
}

extension PeerEntry.State {
    /// As `kith peers` and the log show it.
    package var word: String {
        switch self {
        case .unknown: "unknown"
        case .up: "up"
        case .suspect: "suspect"
        case .down: "down"
        case .left: "left"
        case .incompatible: "incompatible"
        case .plain: "plain"
        }
    }

    /// The protocol versions of both sides, when they have none in common.
    package var versions: String? {
        guard case .incompatible(let theirs, let ours) = self else { return nil }
        return "theirs \(theirs), ours \(ours)"
    }

    /// What a person should know beside the word.
    package var reason: String? {
        switch self {
        case .unknown(let why): why
        case .down(let why): why
        case .left: "said goodbye"
        case .suspect: "has not answered lately"
        case .incompatible(let theirs, let ours): "\(LinkFailure.incompatible(theirs: theirs, ours: ours))"
        case .plain: "a plain seed-style service, not watched"
        case .up: nil
        }
    }
}
