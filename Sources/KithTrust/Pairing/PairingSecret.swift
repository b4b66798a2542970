// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithModel

/// The 128 random bits that make a pairing code worth something. Never printed but as part of ``PairingCode/text``.
struct PairingSecret: Hashable, Sendable {
    static let length = 16

    let bytes: [UInt8]

    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.length else { return nil }
        self.bytes = bytes
    }

    init(using generator: inout some RandomNumberGenerator) {
        var writer = FieldWriter()
        for _ in 0..<2 { writer.put(generator.next() as UInt64) }
        bytes = writer.bytes
    }

    /// Names the invitation without telling the secret.
    var invitation: InvitationID {
        InvitationID(prefixOf: SHA256.hash(data: Array("kith invitation 1".utf8) + bytes))
    }

    /// The key of both proofs (HKDF, RFC 5869), fresh for every attempt by the nonces of both sides.
    func key(nonces: [UInt8]) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: bytes), salt: nonces, info: Array("kith pairing 1".utf8),
            outputByteCount: 32)
    }
}

extension PairingSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "<secret>" }
    var debugDescription: String { "<secret>" }
    var customMirror: Mirror { Mirror(self, children: [:]) }
}
