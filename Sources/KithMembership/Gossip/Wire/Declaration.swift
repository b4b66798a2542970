// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a node says of itself: an opaque payload and the addresses at which it thinks it can be reached.
package struct Declaration: Hashable, Sendable {
    package static let payloadLimit = 4_096
    package static let addressLimit = 16
    /// How far hearsay may run ahead of what is known: about a day of changes, one a second.
    package static let believableLeap: UInt64 = 100_000

    /// Grows with each change within one life; 0 means that nothing has been declared. The greater one wins.
    package var version: UInt64
    /// At most ``payloadLimit`` bytes.
    package var payload: [UInt8]
    /// At most ``addressLimit``.
    package var addresses: [PeerAddress]

    package init(version: UInt64 = 0, payload: [UInt8] = [], addresses: [PeerAddress] = []) {
        self.version = version
        self.payload = payload
        self.addresses = addresses
    }
}
