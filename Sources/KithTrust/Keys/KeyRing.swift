// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel

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

    /// From the next check on, the key is good for nothing.
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
    /// end at the first difference. What is no key at all is told at once.
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

    private static let nothing = Digest()

    private static func words(of digest: some Sequence<UInt8>) -> Digest? {
        var words = Digest()
        var count = 0
        for byte in digest {
            guard count < 32 else { return nil }
            words[count / 8] = words[count / 8] << 8 | UInt64(byte)
            count += 1
        }
        return count == 32 ? words : nil
    }

    /// - Returns: `nil` unless there are eight characters of the alphabet.
    private static func packed(_ id: some Collection<UInt8>) -> UInt64? {
        guard id.count == ClientKey.idLength else { return nil }
        var packed: UInt64 = 0
        for character in id {
            guard ClientKey.isOfAlphabet(character) else { return nil }
            packed = packed << 8 | UInt64(character)
        }
        return packed
    }
}
