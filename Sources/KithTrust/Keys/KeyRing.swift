// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel

/// A key for a client program, at the one moment at which it is known: when it is made.
///
/// Written `kith_`, eight characters that may be shown, `_`, and 52 characters that are 256 random bits.
package struct ClientKey: Sendable {
    static let prefix = Array("kith_".utf8)
    static let idLength = 8
    static let secretLength = 52
    static let length = prefix.count + idLength + 1 + secretLength

    /// The part that may be shown.
    package let id: String
    private let secret: [UInt8]

    /// - Parameter generator: must be the system's outside of tests.
    package init(using generator: inout some RandomNumberGenerator) {
        id = String(decoding: Self.characters(Self.idLength, using: &generator), as: UTF8.self)
        secret = Self.characters(Self.secretLength, using: &generator)
    }

    package init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    /// The whole key, to be shown once.
    package var text: Secret { Secret("kith_\(id)_" + String(decoding: secret, as: UTF8.self)) }

    /// What is kept of it.
    package func record(
        name: String, scopes: Set<Scope>, createdAt: WallTime, expiresAt: WallTime? = nil,
        limits: KeyLimits = KeyLimits()
    ) -> ClientKeyRecord {
        ClientKeyRecord(
            id: id, name: name, scopes: scopes, digest: Array(SHA256.hash(data: secret)), createdAt: createdAt,
            expiresAt: expiresAt, limits: limits)
    }

    /// Random characters of base32, in lower case.
    private static func characters(_ count: Int, using generator: inout some RandomNumberGenerator) -> [UInt8] {
        let bytes = (0..<(count * 5 + 7) / 8).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return Base32.encode(bytes).prefix(count).map { isLetter($0) ? $0 | 0x20 : $0 }
    }

    private static func isLetter(_ character: UInt8) -> Bool { character >= UInt8(ascii: "A") }

    static func isOfAlphabet(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "2")...UInt8(ascii: "7"): true
        default: false
        }
    }
}

extension ClientKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<client key \(id)>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}

/// Whether a key that a client showed is valid.
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

/// The client keys of a node. A pure value, made to be asked on every request.
package struct KeyRing: Sendable {
    package static let limit = 1_000

    /// Why a key is not taken in.
    package enum Unsuitable: String, Error, Hashable, Sendable {
        case full
        case duplicate
        /// Its id or its digest is not one of a key.
        case unsound
    }

    private typealias Digest = SIMD4<UInt64>

    private struct Entry: Sendable {
        var record: ClientKeyRecord
        let digest: Digest
    }

    /// By the eight characters of the id.
    private var entries: [UInt64: Entry] = [:]

    /// Records that are unsound, repeated or beyond the limit are left out.
    package init(_ records: some Sequence<ClientKeyRecord> = []) {
        for record in records { _ = add(record) }
    }

    /// Oldest first.
    package var records: [ClientKeyRecord] {
        entries.values.map(\.record).sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
    }

    // MARK: - Changes

    /// - Returns: Why the key was not taken in; `nil` when it was.
    package mutating func add(_ record: ClientKeyRecord) -> Unsuitable? {
        guard let id = Self.packed(record.id.utf8), let digest = Self.words(of: record.digest) else { return .unsound }
        if entries[id] != nil { return .duplicate }
        guard entries.count < Self.limit else { return .full }
        entries[id] = Entry(record: record, digest: digest)
        return nil
    }

    /// From the next check on, the key is refused.
    ///
    /// - Returns: the record as it is now to be kept; `nil` when there is no such key. A key that was revoked before stays
    ///   as it was.
    package mutating func revoke(_ id: String, at time: WallTime) -> ClientKeyRecord? {
        guard let id = Self.packed(id.utf8), var entry = entries[id] else { return nil }
        if entry.record.revokedAt == nil {
            entry.record.revokedAt = time
            entries[id] = entry
        }
        return entry.record
    }

    /// Forgets a key altogether.
    package mutating func remove(_ id: String) {
        if let id = Self.packed(id.utf8) { entries[id] = nil }
    }

    // MARK: - Checks

    /// Decides about what a client showed.
    ///
    /// Takes as long for a key that does not exist as for one with a wrong secret, and the comparison of digests does not
    /// end at the first difference. What is not a key at all is refused at once.
    package func check(_ presented: some Collection<UInt8>, now: WallTime) -> KeyVerdict {
        presented.withContiguousStorageIfAvailable { check($0, now: now) }
            ?? Array(presented).withUnsafeBufferPointer { check($0, now: now) }
    }

    private func check(_ presented: UnsafeBufferPointer<UInt8>, now: WallTime) -> KeyVerdict {
        guard presented.count == ClientKey.length, presented.starts(with: ClientKey.prefix) else {
            return .refused(.malformed, keyID: nil)
        }
        let rest = presented[ClientKey.prefix.count...]
        let secret = rest.dropFirst(ClientKey.idLength + 1)
        guard let id = Self.packed(rest.prefix(ClientKey.idLength)),
            rest[rest.startIndex + ClientKey.idLength] == UInt8(ascii: "_"), secret.allSatisfy(ClientKey.isOfAlphabet)
        else { return .refused(.malformed, keyID: nil) }

        let entry = entries[id]
        let shown = Self.words(of: SHA256.hash(data: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: secret))))
        let difference = (shown ?? Self.nothing) ^ (entry?.digest ?? Self.nothing)
        let isEqual = difference[0] | difference[1] | difference[2] | difference[3] == 0
        guard let record = entry?.record else { return .refused(.unknown, keyID: nil) }
        guard isEqual, shown != nil else { return .refused(.wrongSecret, keyID: record.id) }
        if record.revokedAt != nil { return .refused(.revoked, keyID: record.id) }
        if let expiresAt = record.expiresAt, now >= expiresAt { return .refused(.expired, keyID: record.id) }
        return .granted(record)
    }

    /// - Returns: The key of this id; `nil` when there is none that counts now.
    package func standing(of id: String, now: WallTime) -> ClientKeyRecord? {
        guard let id = Self.packed(id.utf8), let record = entries[id]?.record, record.revokedAt == nil,
            record.expiresAt.map({ now < $0 }) ?? true
        else { return nil }
        return record
    }

    private static let nothing = Digest()

    private static func words(of digest: some Sequence<UInt8>) -> Digest? {
        var reader = ByteReader(Array(digest))
        do throws(ByteReaderError) {
            let words = Digest(try reader.uint64(), try reader.uint64(), try reader.uint64(), try reader.uint64())
            return reader.isAtEnd ? words : nil
        } catch {
            return nil
        }
    }

    /// - Returns: `nil` unless there are eight characters of the alphabet.
    private static func packed(_ id: some Collection<UInt8>) -> UInt64? {
        guard id.count == ClientKey.idLength, id.allSatisfy(ClientKey.isOfAlphabet) else { return nil }
        return UInt64(bigEndianBytes: id)
    }
}
