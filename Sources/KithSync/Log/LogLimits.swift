// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The limits of a replicated log.
///
/// Each node that writes has a share of its own, in operations of each kind and in what they weigh, so that none takes
/// another's room. A node refuses its own writes beyond its share; what others have written is taken somewhat beyond it,
/// because a log that catches up holds what is replaced beside what replaces it.
package struct LogLimits: Hashable, Sendable {
    /// By how much more of each kind a node may have written than it would itself.
    static let headroom = 2

    /// Of one node.
    package var levels: Int
    package var contextKeys: Int
    package var insights: Int
    package var alerts: Int
    package var silences: Int
    /// What the operations of this node may weigh: see ``ReplicatedLog/weight(of:)``.
    package var ownWeight: Int
    /// What the operations of another node may weigh.
    package var kinWeight: Int
    /// What all operations together may weigh, beside ``reserve``.
    package var weight: Int
    /// What a node may always have, however much others have written.
    package var reserve: Int
    /// What this node may always write, however much others have written.
    package var ownReserve: Int
    /// Nodes whose writes are kept.
    package var authors: Int
    /// Logs of one node, which begins another whenever it loses its database.
    package var logsPerAuthor: Int
    /// Operations of one node that wait for their time.
    package var quarantined: Int
    /// Removals that are remembered; the oldest of the node that has most are forgotten first.
    package var removals: Int
    /// How long it is remembered that something was removed.
    package var removalLife: Duration

    package static let standard = LogLimits()

    package init(
        levels: Int = 1_024, contextKeys: Int = 100_000, insights: Int = 10_000, alerts: Int = 4_096,
        silences: Int = 1_024, ownWeight: Int = 48 << 20, kinWeight: Int = 56 << 20, weight: Int = 72 << 20,
        reserve: Int = 96 << 10, ownReserve: Int = 16 << 20, authors: Int = 256, logsPerAuthor: Int = 16,
        quarantined: Int = 1_024, removals: Int = 20_000, removalLife: Duration = .seconds(30 * 86_400)
    ) {
        self.levels = levels
        self.contextKeys = contextKeys
        self.insights = insights
        self.alerts = alerts
        self.silences = silences
        self.ownWeight = ownWeight
        self.kinWeight = kinWeight
        self.weight = weight
        self.reserve = reserve
        self.ownReserve = ownReserve
        self.authors = authors
        self.logsPerAuthor = logsPerAuthor
        self.quarantined = quarantined
        self.removals = removals
        self.removalLife = removalLife
    }

    func registers(_ kind: RegisterKey.Kind) -> Int {
        switch kind {
        case .level: levels
        case .context: contextKeys
        case .insight: insights
        case .alert: alerts
        case .silence: silences
        }
    }
}

/// Why a log does not take all that a kin sent. What was left out is asked for again.
package enum LogRefusal: Hashable, Sendable, CustomStringConvertible {
    /// This node has written more than its share.
    case tooMuch(NodeID)
    /// More logs are said to be of this node than one has.
    case tooManyLogs(NodeID)
    /// More operations of this node wait for their time than are kept.
    case tooFarAhead(NodeID)
    /// More nodes have written than are kept.
    case tooManyWriters(NodeID)

    package var author: NodeID {
        switch self {
        case .tooMuch(let node), .tooManyLogs(let node), .tooFarAhead(let node), .tooManyWriters(let node): node
        }
    }

    package var description: String {
        switch self {
        case .tooMuch(let node): "\(node.short) has written more than its share, and no more of it is kept"
        case .tooManyLogs(let node): "more logs are said to be of \(node.short) than are kept"
        case .tooFarAhead(let node): "the clock of \(node.short) is far ahead, and no more of what it writes is kept"
        case .tooManyWriters(let node): "so many nodes have written that nothing of \(node.short) is kept"
        }
    }
}
