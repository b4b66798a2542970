// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A way to hear where other nodes may be reached. It only suggests addresses: the certificate decides who answers there.
///
/// The contract, which `DiscoveryConformance` in the tests holds every conformer to:
/// - ``run(_:)`` reports once at its start, also when there is nothing to suggest yet, and after that only changes.
/// - Each report is complete and replaces the one before; ``DiscoveryReport`` bounds it and keeps addresses unique.
/// - Whatever goes wrong is reported in words that say what to do, and the work goes on; the words leave the report when
///   the reason is gone. What was known before stays suggested while the source cannot be asked, unless it has aged.
/// - Malformed input costs its own suggestion and nothing else.
/// - It ends within two seconds of its task's cancellation, and for no other reason; it reports nothing after that.
/// - No thread of the cooperative pool waits for a network or for another process.
package protocol Discovery: Sendable {
    var source: DiscoverySource { get }

    /// Runs until cancelled. One run at a time.
    func run(_ report: @escaping @Sendable (DiscoveryReport) -> Void) async
}

/// Where a suggestion comes from, the most trustworthy first.
package enum DiscoverySource: String, Sendable, Codable, CaseIterable, Comparable {
    /// The address answered before, with the right certificate.
    case remembered
    /// `config/peers.txt`, written by the owner.
    case file
    /// `PEER_ENDPOINTS`, written by the owner.
    case environment
    /// Multicast DNS: anyone on the same link can say anything.
    case mdns
    /// A discovery service of the seeds.
    case registry

    private var rank: Int {
        switch self {
        case .remembered: 0
        case .file: 1
        case .environment: 2
        case .mdns: 3
        case .registry: 4
        }
    }

    package static func < (left: DiscoverySource, right: DiscoverySource) -> Bool { left.rank < right.rank }
}

/// A peer port that may be a kith node's, and what was claimed of the node.
package struct Suggestion: Hashable, Sendable {
    package var address: PeerAddress
    /// Claimed, not proved.
    package var id: NodeID?
    package var name: NodeName?
    /// The program's version, as it is shown to people.
    package var version: String?
    /// The version of the protocol between nodes.
    package var protocolVersion: Int?

    package init(
        address: PeerAddress, id: NodeID? = nil, name: NodeName? = nil, version: String? = nil,
        protocolVersion: Int? = nil
    ) {
        self.address = address
        self.id = id
        self.name = name
        self.version = version.flatMap(Self.shown)
        self.protocolVersion = protocolVersion
    }

    /// A version comes from strangers and goes to terminals: short and printable, or not kept.
    private static func shown(_ version: String) -> String? {
        let isShown = (1...32).contains(version.utf8.count) && version.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        return isShown ? version : nil
    }
}

/// All that one ``Discovery`` suggests at a moment, and what hinders it.
package struct DiscoveryReport: Hashable, Sendable {
    package static let maximumSuggestions = 256
    package static let maximumProblems = 32
    /// Bytes of one problem.
    package static let maximumProblemLength = 400

    /// The preferred ones first, each address once.
    package let suggestions: [Suggestion]
    /// Whole sentences, without a full stop.
    package let problems: [String]

    /// Of several suggestions for one address the first that claims an id is kept, or else the first; what is over the
    /// limits is dropped from the end.
    package init(suggestions: [Suggestion] = [], problems: [String] = []) {
        var places: [PeerAddress: Int] = [:]
        var kept: [Suggestion] = []
        for suggestion in suggestions {
            if let place = places[suggestion.address] {
                if kept[place].id == nil, suggestion.id != nil { kept[place] = suggestion }
            } else if kept.count < Self.maximumSuggestions {
                places[suggestion.address] = kept.count
                kept.append(suggestion)
            }
        }
        self.suggestions = kept
        self.problems = problems.prefix(Self.maximumProblems).map(Self.bounded)
    }

    private static func bounded(_ problem: String) -> String {
        guard problem.utf8.count > maximumProblemLength else { return problem }
        return String(decoding: problem.utf8.prefix(maximumProblemLength), as: UTF8.self) + "…"
    }
}

/// For work that is over before its task is.
enum Cancellation {
    /// Returns when the task is cancelled, at once if it has been.
    static func wait() async {
        let (never, _) = AsyncStream.makeStream(of: Never.self)
        for await _ in never {}
    }
}
