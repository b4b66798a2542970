// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import KithModel

/// The 60 random bits that make a pairing code worth something: as many as six words can hold.
///
/// Never printed except as part of ``PairingCode/text`` and ``PairingCode/words``.
struct PairingSeed: Hashable, Sendable {
    static let width = 60

    let bits: UInt64

    /// - Returns: `nil` for more than 60 bits.
    init?(_ bits: UInt64) {
        guard bits >> Self.width == 0 else { return nil }
        self.bits = bits
    }

    init(using generator: inout some RandomNumberGenerator) { bits = generator.next() >> (64 - Self.width) }
}

/// The key that is made of a seed by much work.
///
/// Nobody can try seeds at the inviting node: five wrong proofs end an invitation. Whoever answers a joiner in the inviter's place
/// can try them at home, and must do the work of ``rounds`` for each: about 2⁷⁶ steps in all, within the life of the code.
struct PairingSecret: Hashable, Sendable {
    /// Of PBKDF2 with HMAC-SHA256 (RFC 8018): some ten milliseconds of a processor.
    static let rounds = 1 << 15
    private static let keyLength = 32

    private let key: [UInt8]

    init(_ seed: PairingSeed) {
        var writer = ByteWriter()
        writer.append(uint64: seed.bits)
        // Fewer rounds than the library asks for where the secret is a person's password: this one is random.
        let derived = try? KDF.Insecure.PBKDF2.deriveKey(
            from: writer.bytes, salt: Array("kith pairing 2".utf8), using: .sha256, outputByteCount: Self.keyLength,
            unsafeUncheckedRounds: Self.rounds)
        // Without memory for it nobody shall pair: a key that the other side cannot have.
        key = (derived ?? SymmetricKey(size: .bits256)).withUnsafeBytes { Array($0) }
    }

    /// Names the invitation without telling the secret.
    var invitation: InvitationID {
        InvitationID(prefixOf: SHA256.hash(data: Array("kith invitation 2".utf8) + key))
    }

    /// The key of both proofs (HKDF, RFC 5869), fresh for every attempt by the nonces of both sides.
    func key(nonces: [UInt8]) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: key), salt: nonces, info: Array("kith pairing 2".utf8),
            outputByteCount: 32)
    }
}

extension PairingSeed: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "<secret>" }
    var debugDescription: String { "<secret>" }
    var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension PairingSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "<secret>" }
    var debugDescription: String { "<secret>" }
    var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Which invitation an attempt is about: the first 16 bytes of a digest of its key. May be shown.
package struct InvitationID: Hashable, Sendable {
    private static let length = 16
    private let bytes: [UInt8]

    init(prefixOf digest: some Sequence<UInt8>) { bytes = Array(digest.prefix(Self.length)) }
}

extension InvitationID: CustomStringConvertible {
    package var description: String { String(decoding: Base32.encode(bytes), as: UTF8.self) }

    package init?(_ text: String) {
        guard text.utf8.count <= 2 * Self.length, let bytes = Base32.decode(text.utf8), bytes.count == Self.length
        else {
            return nil
        }
        self.bytes = bytes
    }
}

extension InvitationID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = InvitationID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an invitation")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
