// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import Testing

@Suite("What the store keeps of clients and refusals")
struct AccessTests {
    private func key(_ number: UInt8, name: String = "phone") -> ClientKeyRecord {
        ClientKeyRecord(
            id: "k\(number)", name: name, scopes: [.chat, .read], digest: [UInt8](repeating: number, count: 32),
            createdAt: .start + .seconds(Int64(number)))
    }

    private func refusal(_ number: Int) -> AuditRecord {
        AuditRecord(at: .start, kind: .clientRefused, subject: "k\(number)", source: "::1", reason: "no key", count: 3)
    }

    @Test("Keys come back as they were made, oldest first", arguments: StoreKind.allCases)
    func keys(kind: StoreKind) async throws {
        try await kind.withStore { store in
            var second = key(2)
            second.expiresAt = .start + .seconds(60)
            try await store.insert(second)
            try await store.insert(key(1))
            #expect(try await store.clientKeys() == [key(1), second])
        }
    }

    @Test("A second key with one id or one secret, or without a scope, is refused")
    func refusedKeys() async throws {
        let store = try Store.inMemory()
        try await store.insert(key(1))
        var sameID = key(2)
        sameID.id = "k1"
        var sameSecret = key(3)
        sameSecret.digest = key(1).digest
        var powerless = key(4)
        powerless.scopes = []
        for refused in [sameID, sameSecret, powerless] {
            let error = await #expect(throws: StoreError.self) { try await store.insert(refused) }
            #expect(error?.code == .refused)
        }
        #expect(try await store.clientKeys() == [key(1)])
    }

    @Test("A key is revoked once", arguments: StoreKind.allCases)
    func revocation(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.insert(key(1))
            #expect(try await store.revokeKey("k1", at: .start + .seconds(9)))
            #expect(try await !store.revokeKey("k1", at: .start + .seconds(10)))
            #expect(try await !store.revokeKey("k2", at: .start))
            #expect(try await store.clientKeys().map(\.revokedAt) == [.start + .seconds(9)])
        }
    }

    @Test("Past their limit no more keys are taken until one is revoked, and old revoked ones go")
    func keyLimit() async throws {
        let store = try Store.inMemory(limits: StoreLimits(clientKeys: 2))
        for number in 1...2 { try await store.insert(key(UInt8(number))) }
        let error = await #expect(throws: StoreError.self) { try await store.insert(key(3)) }
        #expect(error?.code == .limitReached)
        for number in 1...4 {
            try await store.revokeKey("k\(number)", at: .start + .seconds(Int64(number)))
            try await store.insert(key(UInt8(number + 2)))
        }
        #expect(try await store.clientKeys().map(\.id) == ["k3", "k4", "k5", "k6"])
    }

    @Test("The longest name is kept to its limit")
    func longName() async throws {
        let store = try Store.inMemory()
        try await store.insert(key(1, name: String(repeating: "n", count: 500)))
        #expect(try await store.clientKeys().map(\.name.utf8.count) == [128])
    }

    @Test("The audit trail is read newest first", arguments: StoreKind.allCases)
    func audit(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.appendAudit([refusal(1), refusal(2)])
            try await store.appendAudit([])
            try await store.appendAudit([refusal(3)])
            #expect(try await store.audit(limit: 2) == [refusal(3), refusal(2)])
            #expect(try await store.audit(limit: -1).isEmpty)
            #expect(try await store.audit(limit: .max).count == 3)
        }
    }

    @Test("Past its limit the audit trail loses its oldest lines, also within one write")
    func auditLimit() async throws {
        #expect(StoreLimits.standard.audit == 10_000)
        let store = try Store.inMemory(limits: StoreLimits(audit: 3))
        try await store.appendAudit([refusal(1), refusal(2)])
        try await store.appendAudit([refusal(3), refusal(4)])
        #expect(try await store.audit(limit: 10) == [refusal(4), refusal(3), refusal(2)])
        try await store.appendAudit((5...20).map(refusal))
        #expect(try await store.audit(limit: 10).map(\.subject) == ["k20", "k19", "k18"])
    }

    @Test func `A flood of refusals takes nothing of what the owner did`() async throws {
        let store = try Store.inMemory(limits: StoreLimits(audit: 50))
        let act = AuditRecord(at: .start, kind: .keyRevoked, subject: "k1", reason: "asked for")
        try await store.appendAudit([act])
        for batch in 0..<20 {
            try await store.appendAudit(
                (0..<100).map {
                    AuditRecord(
                        at: .start + .seconds(Int64(batch * 60)), kind: .clientRefused, source: "192.0.\(batch).\($0)",
                        reason: "unknown")
                })
        }
        let kept = try await store.audit(limit: .max)
        #expect(kept.last == act)
        #expect(kept.count <= 1 + 50 + 50 / 16)
        #expect(try await store.audit(AuditQuery(kinds: [.keyRevoked], limit: 5)).map(\.record) == [act])
    }

    @Test func `A query is for kinds, a network, a time, and what came after a line`() async throws {
        let store = try Store.inMemory()
        let sources = ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1", nil]
        try await store.appendAudit(
            sources.enumerated().map { number, source in
                AuditRecord(
                    at: .start + .seconds(Int64(number)), kind: number == 0 ? .peerRefused : .clientRefused,
                    source: source,
                    reason: "no key")
            })
        func found(_ query: AuditQuery) async throws -> [Int64] { try await store.audit(query).map(\.id) }
        #expect(try await found(AuditQuery(limit: 2)) == [4, 3])
        #expect(try await found(AuditQuery(source: "2001:db8:0:1::9", limit: 9)) == [2, 1])
        #expect(try await found(AuditQuery(kinds: [.peerRefused], limit: 9)) == [1])
        #expect(try await found(AuditQuery(since: .start + .seconds(2), limit: 9)) == [4, 3])
        #expect(try await found(AuditQuery(after: 3, limit: 9)) == [4])
    }

    @Test("Whatever a stranger sent, its line is kept, cut to size")
    func hostileAudit() async throws {
        let store = try Store.inMemory()
        let text = "\0" + String(repeating: "e\u{301}", count: 10_000)
        try await store.appendAudit([
            AuditRecord(at: .start, kind: .peerRefused, subject: text, source: text, reason: text, count: -5)
        ])
        let kept = try #require(try await store.audit(limit: 1).first)
        #expect(kept.reason.utf8.count <= 512)
        #expect(kept.subject?.utf8.count ?? .max <= 128)
        #expect(kept.count == 1)
    }

    @Test("Lines of a kind that only a newer version knows are left out")
    func unknownKind() async throws {
        let folder = try TemporaryFolder()
        let store = try Store(path: folder.path())
        try await store.appendAudit([refusal(1)])
        try DatabaseFile(folder.path()).execute(
            "INSERT INTO audit (at, kind, reason, count) VALUES (0, 'moon.refused', 'why', 1)")
        #expect(try await store.audit(limit: 10) == [refusal(1)])
        try await store.close()
    }
}
