// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Whether a key that a client showed is good.
package enum KeyVerdict: Hashable, Sendable {
    case granted(ClientKeyRecord)
    /// Names the key when there is one of this id.
    case refused(KeyRefusal, keyID: String?)
}

/// Why a client's key is not accepted. The client is told only that it is not: the reason is for the audit trail.
package enum KeyRefusal: String, Hashable, Sendable, CaseIterable {
    case malformed
    case unknown
    case wrongSecret = "wrong_secret"
    case expired
    case revoked
}
