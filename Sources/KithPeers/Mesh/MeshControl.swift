// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel

/// What the owner of a node can ask of it about trust and those whom it trusts; the routes below `/api` are its only caller.
///
/// All methods throw ``ControlFailure`` with a message that says what to do.
package protocol MeshControl: Sendable {
    func identity() -> ControlMessage.Identity
    func invite(_ request: ControlMessage.InvitationRequest) async throws -> ControlMessage.Invitation
    /// Returns when both sides trust each other.
    func join(_ request: ControlMessage.JoinRequest) async throws -> ControlMessage.Peer
    /// - Parameter peer: An id, its first group, or a name.
    func change(_ peer: String, _ change: ControlMessage.PeerChange) async throws -> ControlMessage.Peer
    /// Drops live connections before it returns.
    func forget(_ peer: String) async throws -> ControlMessage.Peer
    func nearby() -> ControlMessage.Nearby
    /// Hands a conversation to a kin, and returns when it has it on disk or refuses it. May be repeated.
    ///
    /// - Parameter peer: An id, its first group, or a name.
    func send(_ session: SessionExport, to peer: String) async throws -> SessionDelivery
}

/// Who was sent a conversation, and what the answer was.
package struct SessionDelivery: Sendable {
    package var peer: ControlMessage.Peer
    package var receipt: SessionReceipt

    package init(peer: ControlMessage.Peer, receipt: SessionReceipt) {
        self.peer = peer
        self.receipt = receipt
    }
}
