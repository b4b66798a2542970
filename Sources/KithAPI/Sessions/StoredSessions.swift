// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithPeers
package import KithStore
package import Logging

/// Keeps the conversations that kin send beside this node's own.
package struct StoredSessions: SessionReceiving {
    private let store: Store
    private let logger: Logger

    package init(store: Store, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    package func receive(_ session: SessionExport) async throws -> SessionReceipt {
        switch try await store.importSession(session) {
        case .stored:
            logger.info("conversation taken over", metadata: ["turns": "\(session.turns.count)"])
            return SessionReceipt(.stored)
        case .held: return SessionReceipt(.held)
        case .refused: return SessionReceipt(.refused, message: "it has another conversation of that name")
        }
    }
}
