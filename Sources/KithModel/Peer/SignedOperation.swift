// SPDX-License-Identifier: Apache-2.0

/// One signed statement about who is kin, as it is stored and passed on: opaque to all but the trust library.
package struct SignedOperation: Hashable, Sendable {
    package var author: NodeID
    /// Counted by the author from 1.
    package var sequence: UInt64
    /// The statement, its signature and the author's public key.
    package var bytes: [UInt8]

    package init(author: NodeID, sequence: UInt64, bytes: [UInt8]) {
        self.author = author
        self.sequence = sequence
        self.bytes = bytes
    }
}
