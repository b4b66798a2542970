// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Takes over conversations that kin send.
package protocol SessionReceiving: Sendable {
    /// - Returns: When the conversation is on disk, or why it is not taken. The same may come again and is taken once.
    /// - Throws: What the disk has against it.
    func receive(_ session: SessionExport) async throws -> SessionReceipt
}

/// What a node answers to a conversation that a kin sent.
package struct SessionReceipt: Codable, Hashable, Sendable {
    package enum Outcome: String, Codable, Hashable, Sendable {
        /// It is on disk.
        case stored
        /// All of it was there already.
        case held
        /// It was not taken; the message says why.
        case refused
    }

    package var outcome: Outcome
    package var message: String?

    package init(_ outcome: Outcome, message: String? = nil) {
        self.outcome = outcome
        self.message = message
    }
}
