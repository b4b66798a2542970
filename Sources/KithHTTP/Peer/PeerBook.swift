// SPDX-License-Identifier: Apache-2.0

package import KithInference
package import KithModel

/// What is known of every peer: a pure value that is told what probes found.
package struct PeerBook: Sendable {
    /// One peer as it was written down and as it was last heard of.
    package struct Entry: Sendable {
        package enum State: Sendable {
            /// Not heard of yet.
            case unknown
            case up(PeerWire.Status)
            /// Why; what it last said is kept for show.
            case down(String, last: PeerWire.Status?)
            /// The address leads to this node itself, or to a peer that is written down twice.
            case alias(of: NodeName)
        }

        package var endpoint: PeerEndpoint
        package var state: State = .unknown
        package var latency: Duration = .zero
        package var lastSeen: Moment?

        /// The name it gave itself, or one made of its address until it has.
        package var name: NodeName

        package var status: PeerWire.Status? {
            switch state {
            case .up(let status): status
            case .down(_, let last): last
            case .unknown, .alias: nil
            }
        }
    }

    /// What a probe changed, for the log and the router.
    package enum Change: Hashable, Sendable {
        case none
        case appeared(NodeName)
        /// Was gone, or has started anew.
        case returned(NodeName)
        case left(NodeName, String)
        case alias(of: NodeName)
    }

    package private(set) var entries: [Entry]
    private let ownBoot: String
    private let ownName: NodeName

    package init(endpoints: [PeerEndpoint], ownName: NodeName, ownBoot: String) {
        self.ownName = ownName
        self.ownBoot = ownBoot
        entries = endpoints.map { Entry(endpoint: $0, name: Self.provisionalName($0.address)) }
    }

    package mutating func answered(
        _ index: Int, with status: PeerWire.Status, latency: Duration, now: Moment
    ) -> Change {
        let twin = entries.indices.first { $0 != index && entries[$0].upBoot == status.boot }
        if status.boot == ownBoot || twin != nil {
            let name = twin.map { entries[$0].name } ?? ownName
            if case .alias = entries[index].state { return .none }
            entries[index].state = .alias(of: name)
            return .alias(of: name)
        }
        let before = entries[index].state
        entries[index].state = .up(status)
        entries[index].latency = latency
        entries[index].lastSeen = now
        entries[index].name = uniqueName(status.name, at: index)
        switch before {
        case .up(let earlier) where earlier.boot == status.boot: return .none
        case .unknown, .alias: return .appeared(entries[index].name)
        case .up, .down: return .returned(entries[index].name)
        }
    }

    package mutating func failed(_ index: Int, why: String) -> Change {
        let last = entries[index].status
        switch entries[index].state {
        case .down(let earlier, _) where earlier == why: return .none
        case .alias: return .none
        case .down:
            entries[index].state = .down(why, last: last)
            return .none
        case .up, .unknown:
            entries[index].state = .down(why, last: last)
            return .left(entries[index].name, why)
        }
    }

    package func index(of node: NodeName) -> Int? {
        entries.indices.first { entries[$0].name == node && !entries[$0].isAlias }
    }

    package func snapshots() -> [NodeSnapshot] {
        entries.filter { !$0.isAlias }.map { entry in
            let status = entry.status
            return NodeSnapshot(
                name: entry.name, tier: entry.endpoint.tier, reachability: entry.reachability,
                models: status?.models ?? [],
                isLoading: status?.loading ?? false, slots: status?.slots ?? 1,
                outstanding: status?.outstanding ?? 0, latency: entry.latency, level: status?.level ?? 1,
                takenAt: entry.lastSeen ?? .zero)
        }
    }

    /// Two nodes may give themselves the same name; the later one is told apart by its address.
    private func uniqueName(_ name: NodeName, at index: Int) -> NodeName {
        let isTaken = name == ownName || entries.indices.contains { $0 != index && entries[$0].name == name }
        guard isTaken else { return name }
        let suffix = "-\(entries[index].endpoint.address.port)"
        return NodeName(name.rawValue.prefix(64 - suffix.utf8.count) + suffix)
            ?? Self.provisionalName(entries[index].endpoint.address)
    }

    private static func provisionalName(_ address: HTTPAddress) -> NodeName {
        let text = "\(address.host)-\(address.port)".map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        return NodeName(String(text.suffix(64))) ?? unnamed
    }

    private static let unnamed: NodeName = {
        guard let name = NodeName("unnamed") else { preconditionFailure("a literal name is valid") }
        return name
    }()
}

extension PeerBook.Entry {
    fileprivate var upBoot: String? {
        if case .up(let status) = state { status.boot } else { nil }
    }

    package var isAlias: Bool {
        if case .alias = state { true } else { false }
    }

    fileprivate var reachability: NodeSnapshot.Reachability {
        switch state {
        case .up: .up
        case .unknown, .alias: .unknown
        case .down(let why, _): .down(why)
        }
    }
}
