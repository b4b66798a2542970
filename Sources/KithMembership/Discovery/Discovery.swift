// SPDX-License-Identifier: Apache-2.0

/// A way to hear where other nodes may be reached. It only suggests addresses: who answers there, the certificate decides.
///
/// The contract, which `DiscoveryConformance` in the tests holds every conformer to:
/// - ``run(_:)`` reports once at its start, also when there is nothing to suggest yet, and after that only changes.
/// - Each report is complete and replaces the one before; ``DiscoveryReport`` bounds it and keeps addresses unique.
/// - Whatever goes wrong is reported in words that say what to do, and the work goes on; the words leave the report when
///   the reason has. What was known before stays suggested while the source cannot be asked, unless it has aged.
/// - Malformed input costs its own suggestion and nothing else.
/// - It ends within two seconds of its task's cancellation, and for no other reason; it reports nothing after that.
/// - No thread of the cooperative pool is blocked.
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
