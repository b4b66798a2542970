// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import KithModel
package import KithStore
import KithTrust
import Synchronization

/// The keys of this node's clients: in memory for every request, in the store for the next start.
package final class ClientKeys: Sendable {
    private let ring: Mutex<KeyRing>
    private let changes = Atomic<UInt64>(0)
    private let store: Store

    /// - Parameter records: what the store has; see ``load(from:)``.
    package init(_ records: [ClientKeyRecord] = [], store: Store) {
        // The ring has a limit; those that are still valid go first.
        ring = Mutex(KeyRing(records.filter { $0.revokedAt == nil } + records.filter { $0.revokedAt != nil }))
        self.store = store
    }

    /// - Throws: `StoreError`.
    package static func load(from store: Store) async throws -> ClientKeys {
        ClientKeys(try await store.clientKeys(), store: store)
    }

    /// Changes with each change of the keys.
    var version: UInt64 { changes.load(ordering: .acquiring) }

    /// Neither waits nor blocks for longer than it takes to look a key up.
    func check(_ presented: some Collection<UInt8>, now: WallTime) -> KeyVerdict {
        ring.withLock { $0.check(presented, now: now) }
    }

    /// - Returns: The key of this id; `nil` when there is none that counts now.
    func standing(of id: String, now: WallTime) -> ClientKeyRecord? {
        ring.withLock { $0.standing(of: id, now: now) }
    }

    /// Whether there is a key with which a caller could be admitted.
    package func hasUsableKey(now: WallTime) -> Bool {
        let records = ring.withLock { $0.records }
        return records.contains { $0.revokedAt == nil && ($0.expiresAt.map { now < $0 } ?? true) }
    }

    /// Makes a key, which is valid from when this returns. Its text is kept nowhere else.
    ///
    /// - Throws: `StoreError`; `KeyRing.Unsuitable` when there are as many keys as there can be.
    package func create(
        name: String, scopes: Set<Scope>, lifetime: Duration?, limits: KeyLimits = KeyLimits(), now: WallTime
    ) async throws -> (text: Secret, record: ClientKeyRecord) {
        let key = ClientKey()
        let record = key.record(
            name: name, scopes: scopes, createdAt: now, expiresAt: lifetime.map { now.advanced(by: $0) },
            limits: limits)
        try await store.insert(record)
        let refusal = ring.withLock { $0.add(record) }
        changes.add(1, ordering: .releasing)
        if let reason = refusal {
            try await store.revokeKey(record.id, at: now)
            throw reason
        }
        return (key.text, record)
    }

    /// Revokes a key at once, also for connections that are open.
    ///
    /// - Returns: whether there was such a key that had not been revoked.
    /// - Throws: `StoreError`; the key is then revoked only until the next start.
    package func revoke(_ id: String, now: WallTime) async throws -> Bool {
        _ = ring.withLock { $0.revoke(id, at: now) }
        changes.add(1, ordering: .releasing)
        return try await store.revokeKey(id, at: now)
    }

    /// - Throws: `StoreError`.
    package func records() async throws -> [ClientKeyRecord] { try await store.clientKeys() }
}

/// The key that a request carries.
package struct PresentedKey: Hashable, Sendable {
    /// How every key that a node has made begins.
    static let prefix = "kith_"

    let text: Substring
    /// Whether the request carries another one as well.
    let isContradicted: Bool

    /// Whether a node made it. Programs that want a key to be set send words such as "unused" or "ollama".
    var isOfNode: Bool { text.utf8.starts(with: Self.prefix.utf8) }

    /// From `Authorization: Bearer …`, `X-API-Key: …` or `api-key: …`; of several, the one that a node made.
    ///
    /// - Returns: `nil` when the request has none of these headers, or those it has are blank.
    init?(_ fields: HTTPFields) {
        self.init(authorization: fields[.authorization], apiKey: fields[.apiKey], azureKey: fields[.azureKey])
    }

    /// - Parameters: the values of the fields `Authorization`, `X-API-Key` and `api-key`.
    package init?(authorization: String?, apiKey: String?, azureKey: String? = nil) {
        let bearer = authorization.flatMap(Self.bearer).flatMap(Self.unlessBlank)
        let first = apiKey.flatMap { Self.unlessBlank($0[...]) }
        guard first != nil || azureKey != nil else {
            guard let bearer else { return nil }
            (text, isContradicted) = (bearer, false)
            return
        }
        let shown = [bearer, first, azureKey.flatMap { Self.unlessBlank($0[...]) }].compactMap { $0 }
        let own = shown.filter { $0.utf8.starts(with: Self.prefix.utf8) }
        guard let key = own.first ?? first ?? shown.last else { return nil }
        text = key
        isContradicted = own.contains { $0 != key }
    }

    private static func unlessBlank(_ text: Substring) -> Substring? {
        text.utf8.contains { $0 != UInt8(ascii: " ") } ? text : nil
    }

    /// The name of the scheme may be in any case (RFC 9110, section 11.1).
    private static func bearer(_ header: String) -> Substring? {
        let scheme = header.utf8.prefix(7)
        guard scheme.count == 7, zip(scheme, "bearer ".utf8).allSatisfy({ $0 | 0x20 == $1 }) else { return nil }
        return Substring(header.utf8[scheme.endIndex...].drop { $0 == UInt8(ascii: " ") })
    }
}

extension HTTPField.Name {
    static let apiKey = Self.known("x-api-key")
    /// As clients made for Azure's form of OpenAI's API send it.
    static let azureKey = Self.known("api-key")
}
