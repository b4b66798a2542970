// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithMembership
package import KithModel

/// One peer as it is known at the moment.
package struct PeerView: Sendable {
    package enum State: Hashable, Sendable {
        /// Not heard from yet, and why if something is known.
        case unknown(String?)
        case up
        /// It has not answered lately; others are being asked, and nothing is sent there that can go elsewhere.
        case suspect
        case down(String)
        /// It said goodbye.
        case left
        /// It said that it goes to sleep.
        case asleep(since: WallTime?)
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
    package var lastHeard: MonotonicInstant?
    /// When the load was true.
    package var takenAt: MonotonicInstant
    /// Two instances use this identity.
    package var isCloned: Bool

    package init(
        id: NodeID?, name: NodeName, tier: Tier, state: State, load: PeerLoad? = nil, models: [ModelInfo] = [],
        isDescribed: Bool = false, addresses: [String] = [], latency: Duration? = nil,
        lastHeard: MonotonicInstant? = nil,
        takenAt: MonotonicInstant = .zero,
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

    /// Added to the round trip to a suspect, so that it is the last choice but still one.
    private static let doubt = Duration.seconds(5)

    /// What routing needs to know.
    func snapshot(of id: NodeID) -> NodeSnapshot {
        let (reachability, doubt): (NodeSnapshot.Reachability, Duration) =
            switch state {
            case .up: (.up, .zero)
            case .suspect: (.up, Self.doubt)
            case .unknown, .plain: (.unknown, .zero)
            case .down(let why): (.down(why), .zero)
            case .left: (.down(NodeSnapshot.Reachability.left), .zero)
            case .asleep: (.asleep, .zero)
            case .incompatible(let theirs, _): (.down("speaks protocol version \(theirs)"), .zero)
            }
        return NodeSnapshot(
            id: id, name: name, tier: tier, reachability: reachability, isDraining: load?.isDraining ?? false,
            models: models, engine: engine, resident: load?.resident, slots: load?.slots ?? 1,
            outstanding: load?.outstanding ?? 0,
            latency: (latency ?? .zero) + doubt, level: load?.level ?? 1, machine: load?.machine,
            takenAt: takenAt,
            lastHeard: lastHeard ?? .zero)
    }

    /// A node that has described itself but not yet listed its models is not a node without models.
    private var engine: NodeSnapshot.EngineState {
        guard let load else { return .unknown }
        if let why = load.engineDown { return .down(why) }
        if load.loading { return .loading }
        return isDescribed ? .ready : .unknown
    }
}

extension PeerView.State {
    /// As `kith peers` and the log show it.
    package var word: String {
        switch self {
        case .unknown: "unknown"
        case .up: "up"
        case .suspect: "suspect"
        case .down: "down"
        case .left: "left"
        case .asleep: "asleep"
        case .incompatible: "incompatible"
        case .plain: "plain"
        }
    }

    /// Whether it is news that one has become the other: not when it is remembered since when a machine sleeps.
    func differs(from other: Self) -> Bool {
        if case .asleep = self, case .asleep = other { return false }
        return self != other
    }

    /// The protocol versions of both sides, when they have none in common.
    package var versions: String? {
        guard case .incompatible(let theirs, let ours) = self else { return nil }
        return "theirs \(theirs), ours \(ours)"
    }

    /// What a person should know besides the word.
    package var reason: String? {
        switch self {
        case .unknown(let why): why
        case .down(let why): why
        case .left: "said goodbye"
        case .asleep(let since): since.map { "since \($0.rfc3339)" }
        case .suspect: "has not answered lately"
        case .incompatible(let theirs, let ours): "\(LinkError.incompatible(theirs: theirs, ours: ours))"
        case .plain: "a plain seed-style service, not watched"
        case .up: nil
        }
    }
}

extension PeerDirectory.State {
    /// A node that speaks no version of this node's protocol counts as incompatible, not as dead, unless it cannot be
    /// reached and has not connected by itself for a while.
    fileprivate func mismatch(with id: NodeID, isPresent: Bool, now: MonotonicInstant) -> PeerView.State? {
        guard let greeting = greetings[id], greeting.protocols.common(with: ownProtocols) == nil else { return nil }
        switch failures[id] {
        case nil, .incompatible, .rejected: break
        case .noAddress, .leadsBack, .refused, .unreachable, .timeout, .wrongNode:
            guard isPresent || now - greeting.heard < PeerDirectory.greetingLife else { return nil }
        }
        return .incompatible(theirs: greeting.protocols, ours: ownProtocols)
    }
}

extension PeerView {
    /// What is known of a paired node: from ``TrustStore``, from membership, and from the last failure.
    init(_ peer: PeerRecord, member: Member?, name: NodeName, known: PeerDirectory.State, now: MonotonicInstant) {
        self.init(
            id: peer.id, name: name, tier: peer.tier,
            state: known.mismatch(with: peer.id, isPresent: member?.state.isPresent ?? false, now: now)
                ?? (peer.tier == .kin
                    ? Self.state(of: member, peer, known: known)
                    : Self.state(ofKith: peer.id, known: known)),
            load: member.flatMap { known.loads[$0.id]?.load },
            models: known.models[peer.id]?.models ?? [],
            // An empty list that is older than what the node tells of itself says nothing: its engine was being started.
            isDescribed: known.models[peer.id].map {
                !$0.models.isEmpty || $0.catalogue == known.loads[peer.id]?.load?.catalogue
            } ?? false,
            addresses: (member?.addresses.isEmpty == false ? member?.addresses ?? [] : peer.addresses)
                .map(\.description),
            latency: member?.roundTrip ?? known.met[peer.id]?.roundTrip,
            lastHeard: member?.lastHeard ?? known.met[peer.id]?.at,
            takenAt: known.loads[peer.id]?.at ?? .zero, isCloned: known.cloned[peer.id] != nil)
    }

    private static func state(ofKith id: NodeID, known: PeerDirectory.State) -> State {
        if known.met[id] != nil { return .up }
        return known.failures[id].map { .down($0.description) } ?? .unknown(nil)
    }

    private static func state(of member: Member?, _ peer: PeerRecord, known: PeerDirectory.State) -> State {
        var failure = known.failures[peer.id]
        if failure == .noAddress, !(member?.addresses ?? peer.addresses).isEmpty { failure = nil }  // known since
        guard let member else { return .unknown(failure?.description) }
        // Its own word, or what was remembered of that when this node started; the goodbye itself may have been lost.
        let hasSlept = known.loads[peer.id]?.load?.fallsAsleep == true || peer.wake.asleepSince != nil
        switch member.state {
        case .alive: return .up
        case .suspect: return .suspect
        case _ where hasSlept: return .asleep(since: peer.wake.asleepSince)
        case .left: return .left
        case .dead: return .down(failure?.description ?? "does not answer")
        case .unknown: return .unknown(failure?.description)
        }
    }
}

/// Gives every peer a name that no other has: two nodes may call themselves the same.
struct PeerNames: Sendable {
    /// Stands for something else where peers are named: `/api/peers/nearby`.
    static let reserved = "nearby"

    private var ids: [NodeName: NodeID] = [:]
    private var names: [NodeID: NodeName] = [:]
    private let own: NodeName

    init(own: NodeName) { self.own = own }

    /// - Parameter wanted: What the owner calls it, or what it calls itself.
    mutating func name(for id: NodeID, wanted: NodeName?) -> NodeName {
        let base = wanted ?? Self.provisional(id)
        let name = isFree(base, for: id) ? base : Self.distinct(base, id)
        remove(id)
        ids[name] = id
        names[id] = name
        return name
    }

    mutating func remove(_ id: NodeID) {
        if let name = names.removeValue(forKey: id) { ids[name] = nil }
    }

    private func isFree(_ name: NodeName, for id: NodeID) -> Bool {
        name != own && name.rawValue != Self.reserved && (ids[name] == nil || ids[name] == id)
    }

    private static func distinct(_ name: NodeName, _ id: NodeID) -> NodeName {
        NodeName(name.rawValue.prefix(64 - 8) + "-" + id.short) ?? provisional(id)
    }

    /// Seven characters of the alphabet of ids are always a name.
    private static func provisional(_ id: NodeID) -> NodeName {
        guard let name = NodeName(id.short) else { preconditionFailure("the first group of an id is a name") }
        return name
    }
}
