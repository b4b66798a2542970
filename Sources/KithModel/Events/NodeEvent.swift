// SPDX-License-Identifier: Apache-2.0

/// Something that happened in a node and that people or programs may want to follow.
package struct NodeEvent: Hashable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// A level was declared or removed, here or at a kin.
        case level
        /// A key of the context was written or removed, here or at a kin.
        case context
        /// The bridge went from one mode to another.
        case bridge
        /// A request was answered, or failed: where it went and why, without its content.
        case route
        /// An insight was learned, decided about or forgotten, here or at a kin.
        case insight
        /// A peer changed: its state, load, latency, tier or name; or it was forgotten.
        case mesh
        /// This node itself changed: its engine, its level, or whether it drains.
        case node
        /// A node was asked to answer a request, or to go on with an answer.
        case request
        /// An exchange with a peer for company began or ended.
        case exchange
        /// State was exchanged with a kin.
        case sync
        /// A conversation that this node keeps was begun, continued, renamed or removed.
        case session
        /// A pairing code was made or used, or the nodes that are near changed.
        case pairing
        /// An alert of the mesh begins or is over.
        case alert
    }

    package var kind: Kind
    package var at: WallTime
    package var fields: JSONObject

    package init(_ kind: Kind, at: WallTime = .now(), _ fields: JSONObject) {
        self.kind = kind
        self.at = at
        self.fields = fields
    }
}

/// Where a follower is in the events of one run of a node. Written `run-number`.
package struct EventPosition: Hashable, Sendable, CustomStringConvertible {
    /// Tells apart the runs of a node, whose numbers begin anew.
    package let run: UInt64
    /// Of the last event that the follower has.
    package let number: UInt64

    /// A place in no events at all: whoever was there has missed whatever happened since.
    package static let unknown = EventPosition(run: 0, number: .max)

    package init(run: UInt64, number: UInt64) {
        self.run = run
        self.number = number
    }

    /// - Returns: `nil` for what no node has written.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 40 else { return nil }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let run = UInt64(parts[0], radix: 16), let number = UInt64(parts[1]) else { return nil }
        self.init(run: run, number: number)
    }

    package var description: String { "\(String(run, radix: 16))-\(number)" }
}

/// What a follower gets.
package enum FollowedEvent: Hashable, Sendable {
    case event(NodeEvent, EventPosition)
    /// Some events before this place were missed: what they were about has to be read again.
    case gap(EventPosition)

    package var event: NodeEvent? {
        switch self {
        case .event(let event, _): event
        case .gap: nil
        }
    }
}
