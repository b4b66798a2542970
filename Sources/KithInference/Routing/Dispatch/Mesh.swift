// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What routing needs to know of the nodes, and how it reaches them.
package protocol Mesh: Sendable {
    /// This node first, then every peer, with what was last heard of it; never waits.
    func snapshots() -> [NodeSnapshot]

    /// - Returns: `nil` when the node has gone from the mesh, or has nothing that answers.
    func backend(for node: NodeID) -> (any Answering)?

    /// A request to the node failed; lets a dead node be known as dead before the next probe.
    func report(_ failure: ChatFailure, from node: NodeID)

    /// Somebody wants a model that no node is known to have: this node's engine may have it by now.
    func noteUnknownModel()
}

extension Mesh {
    package func noteUnknownModel() {}
}
