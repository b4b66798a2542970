// SPDX-License-Identifier: Apache-2.0

package import KithModel

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
