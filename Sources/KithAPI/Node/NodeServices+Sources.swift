// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithPeers

extension NodeServices {
    /// Stands for the node that is asked.
    static let selfSource = "self"

    /// In whose name something is to be written.
    ///
    /// - Parameter text: A client's name, `self`, or this node's id; without it the node itself.
    /// - Throws: ``ControlFailure`` for what cannot be a name, and for another node's id: every node speaks for itself.
    func writer(_ text: String?) throws -> StateSource {
        let own = StateSource.node(mesh.ownID)
        guard let text, text != Self.selfSource else { return own }
        let source = try source(text)
        guard case .node = source, source != own else { return source }
        throw ControlFailure(.invalid, "'source' is the id of another node, which speaks for itself; ask that node")
    }

    /// Whose something is.
    ///
    /// - Parameter text: A client's name, `self`, or a node's id.
    /// - Throws: ``ControlFailure`` for what cannot be a name.
    func source(_ text: String) throws -> StateSource {
        if text == Self.selfSource { return .node(mesh.ownID) }
        guard let source = StateSource(text) else {
            throw ControlFailure(
                .invalid, "'source' must have 1 to \(StateSource.nameLimit) bytes and no control characters")
        }
        return source
    }
}
