// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel

/// What one owner carries from the inviting node to the joining one: who invites, where it is found, and a one-time secret.
///
/// In bytes: version, tier and number of addresses; the inviter's id; the secret; the addresses; four bytes of a digest over
/// all of it, which find typing errors. In text: base32 in groups of eight, capitals, digits and hyphens only, so that a QR
/// code can hold it in its alphanumeric mode.
///
/// Anybody who reads the text can join once: descriptions and reflection hide the secret.
package struct PairingCode: Hashable, Sendable {
    package static let addressLimit = 4
    /// The longest ``text``, and the longest that is read.
    package static let textLimit = 512
    static let version: UInt8 = 1
    /// Characters of a code without an address, hyphens left out.
    private static let shortest = ((1 + 32 + PairingSecret.length + checkLength) * 8 + 4) / 5
    private static let group = 8
    private static let checkLength = 4
    /// In groups of eight with a hyphen between them, 56 characters hold 31 bytes.
    private static let byteLimit = 280

    package let inviter: NodeID
    package let addresses: [PeerAddress]
    package let tier: Tier
    let secret: PairingSecret

    /// Addresses for which there is no room, because they are too many or have long names, are left out.
    init(inviter: NodeID, addresses: [PeerAddress], secret: PairingSecret, tier: Tier) {
        self.inviter = inviter
        self.secret = secret
        self.tier = tier
        var room = Self.byteLimit - 1 - 32 - PairingSecret.length - Self.checkLength
        var kept: [PeerAddress] = []
        for address in addresses where kept.count < Self.addressLimit && !kept.contains(address) {
            let size = PackedAddress.pack(address).count
            guard size <= room else { continue }
            room -= size
            kept.append(address)
        }
        self.addresses = kept
    }

    package var invitation: InvitationID { secret.invitation }

    /// The code itself, with its secret.
    package var text: String {
        var writer = ByteWriter()
        let isKin: UInt8 = tier == .kin ? 1 : 0
        writer.append(byte: Self.version << 4 | isKin << 3 | UInt8(clamping: addresses.count))
        writer.append(inviter)
        writer.append(contentsOf: secret.bytes)
        for address in addresses { writer.append(contentsOf: PackedAddress.pack(address)) }
        let digits = Base32.encode(writer.bytes + Self.check(writer.bytes))
        return stride(from: 0, to: digits.count, by: Self.group)
            .map { String(decoding: digits[$0..<min($0 + Self.group, digits.count)], as: UTF8.self) }
            .joined(separator: "-")
    }

    private static func check(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes).prefix(checkLength)) }
}

extension PairingCode {
    /// Why a text is not a pairing code.
    package enum Unreadable: String, Error, Hashable, Sendable, CaseIterable, CustomStringConvertible {
        case empty
        case tooLong
        case foreignCharacter
        case incomplete
        case damaged
        case otherVersion

        package var description: String {
            switch self {
            case .empty: "no pairing code was given"
            case .tooLong: "this is too long for a pairing code"
            case .foreignCharacter: "pairing codes consist of letters, the digits 2 to 7 and hyphens"
            case .incomplete: "the pairing code is not whole; paste all of it, as one line"
            case .damaged:
                "the pairing code is not as it was made: a character is missing or wrong; copy all of it, as one line"
            case .otherVersion: "the pairing code was made by another version of kith; update both nodes"
            }
        }
    }

    /// Reads a code as people pass it on: capitals or not, with hyphens, spaces and line breaks anywhere.
    package static func read(_ text: String) -> Result<PairingCode, Unreadable> {
        guard text.utf8.count <= 2 * textLimit else { return .failure(.tooLong) }
        var digits: [UInt8] = []
        for byte in text.utf8 where !isSeparator(byte) {
            guard let digit = Base32.normalised(byte) else { return .failure(.foreignCharacter) }
            digits.append(digit)
        }
        if digits.isEmpty { return .failure(.empty) }
        guard digits.count <= textLimit else { return .failure(.tooLong) }
        guard digits.count >= shortest else { return .failure(.incomplete) }
        guard let bytes = Base32.decode(digits), bytes.count > checkLength else { return .failure(.damaged) }
        let packed = Array(bytes.dropLast(checkLength))
        guard check(packed).elementsEqual(bytes.suffix(checkLength)) else { return .failure(.damaged) }
        guard packed.first.map({ $0 >> 4 }) == version else { return .failure(.otherVersion) }
        do throws(ByteReaderError) {
            return .success(try unpack(packed))
        } catch {
            return .failure(.damaged)
        }
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): true
        default: false
        }
    }

    private static func unpack(_ bytes: [UInt8]) throws(ByteReaderError) -> PairingCode {
        var reader = ByteReader(bytes)
        let head = try reader.byte()
        let inviter = try reader.nodeID()
        guard let secret = PairingSecret(Array(try reader.bytes(PairingSecret.length))) else { throw .malformed }
        var addresses: [PeerAddress] = []
        for _ in 0..<Int(head & 7) { addresses.append(try PackedAddress.unpack(from: &reader)) }
        guard reader.isAtEnd, addresses.count <= addressLimit else { throw .malformed }
        return PairingCode(inviter: inviter, addresses: addresses, secret: secret, tier: head & 8 != 0 ? .kin : .kith)
    }
}

extension PairingCode: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<pairing code of \(inviter.short)>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["inviter": inviter, "tier": tier]) }
}

/// The 128 random bits that make a pairing code worth something. Never printed except as part of ``PairingCode/text``.
struct PairingSecret: Hashable, Sendable {
    static let length = 16

    let bytes: [UInt8]

    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.length else { return nil }
        self.bytes = bytes
    }

    init(using generator: inout some RandomNumberGenerator) {
        var writer = ByteWriter(capacity: Self.length)
        for _ in 0..<2 { writer.append(uint64: generator.next()) }
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

/// Which invitation an attempt is about: the first 16 bytes of a digest of its secret. May be shown.
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
