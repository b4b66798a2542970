// SPDX-License-Identifier: Apache-2.0

/// The first ten bytes of a node's id: enough that nobody finds a key whose id begins so (2⁸⁰ keys would have to be made), and
/// short enough to stand in what a person copies.
package struct NodeIDPrefix: Hashable, Sendable {
    package static let length = 10

    package let bytes: [UInt8]

    package init(of id: NodeID) { bytes = Array(id.digest.prefix(Self.length)) }

    /// - Returns: `nil` unless there are exactly ten bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        self.bytes = Array(bytes)
    }

    package func isBeginning(of id: NodeID) -> Bool { id.digest.starts(with: bytes) }

    /// As ``NodeID/short``.
    package var short: String { String(decoding: Base32.encode(bytes).prefix(7), as: UTF8.self) }
}

/// Which node may answer where a connection is made.
package enum ExpectedNode: Hashable, Sendable {
    case node(NodeID)
    case beginning(NodeIDPrefix)
    /// Whoever is there: what follows must prove who it is.
    case anyone

    package func admits(_ id: NodeID) -> Bool {
        switch self {
        case .node(let expected): id == expected
        case .beginning(let prefix): prefix.isBeginning(of: id)
        case .anyone: true
        }
    }

    /// The id that was expected, where it is known whole.
    package var id: NodeID? {
        guard case .node(let id) = self else { return nil }
        return id
    }
}
