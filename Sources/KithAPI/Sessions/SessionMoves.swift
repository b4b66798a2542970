// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithPeers
import KithStore
import Synchronization

/// Moves conversations to other kin: this node removes one only when the other has it on disk.
///
/// Nothing is lost in between: when the answer is lost, both keep the conversation until it is sent again, and a
/// conversation that went on meanwhile stays.
final class SessionMoves: Sendable {
    private let store: Store
    private let control: any MeshControl
    /// Each goes to one place at a time.
    private let underway = Mutex<Set<SessionID>>([])

    init(store: Store, control: any MeshControl) {
        self.store = store
        self.control = control
    }

    /// - Parameter peer: A kin's name or id.
    /// - Throws: `ControlError`; the conversation is still here then.
    func move(_ session: SessionID, to peer: String) async throws -> SessionMessage.Sent {
        guard underway.withLock({ $0.insert(session).inserted }) else {
            throw ControlError(.conflict, "the conversation is being sent already")
        }
        defer { underway.withLock { _ = $0.remove(session) } }
        let export = try await export(session)
        let delivery = try await control.send(export, to: peer)
        guard delivery.receipt.outcome != .refused else {
            throw ControlError(
                .conflict,
                "\(delivery.peer.name) does not take the conversation: "
                    + "\(delivery.receipt.message ?? "it gives no reason"); it stays here")
        }
        guard try await store.removeSession(export) else {
            throw ControlError(
                .conflict, "the conversation went on here while it was sent; send it again to move the rest")
        }
        return SessionMessage.Sent(session: session.rawValue, turns: export.turns.count, to: delivery.peer)
    }

    private func export(_ session: SessionID) async throws -> SessionExport {
        let export: SessionExport?
        do {
            export = try await store.exportSession(session, textLimit: SessionTransfer.limit)
        } catch  where error.code == .limitReached {
            throw ControlError(.invalid, error.message)
        }
        guard let export else { throw SessionRoutes.unknown }
        return export
    }
}
