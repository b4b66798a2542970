// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// What the owner of a node can ask of it about trust; the routes below `/api` are its only caller.
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
}
