// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithTrust

/// What a stolen kin can do to what all kin state about each other, and what is left of it.
@Suite struct `A stolen kin and the ledger of kin` {
    /// The owner's nodes 0, 1 and 2; node 2 was stolen.
    private static func mesh(_ nodes: Int = 3) throws -> TrustMesh {
        var mesh = try TrustMesh(nodes: nodes)
        try mesh.pair(0, 1)
        try mesh.pair(0, 2)
        for one in 0..<3 { for other in 0..<3 where other > one { mesh.exchange(one, other) } }
        return mesh
    }

    /// Statements of an author that admit as many made-up nodes, signed without a log.
    private static func flood(
        by author: NodeIdentity, from sequence: UInt64 = 1, count: Int, admitting subjects: [NodeID] = []
    ) throws -> [SignedOperation] {
        try (0..<count).map { place in
            let digest =
                [UInt8](repeating: 0xAB, count: 28) + (0..<4).map { UInt8(truncatingIfNeeded: place >> ($0 * 8)) }
            let subject = place < subjects.count ? subjects[place] : try #require(NodeID(digest: digest))
            return try TrustOperation(
                author: author.publicKey, sequence: sequence + UInt64(place), subject: subject,
                statement: .admit(epoch: 1, introduction: TrustMesh.names), saidAt: WallTime(milliseconds: 1)
            ).signed(by: author)
        }
    }

    @Test func `what authors state whom nobody admitted is not kept, and takes nobody's place`() throws {
        var mesh = try Self.mesh()
        let before = mesh.ledgers[1]
        for _ in 0..<40 {
            let stranger = try NodeIdentity.ephemeral(now: .now())
            let insertion = mesh.ledgers[1].insert(try Self.flood(by: stranger, count: 10))
            #expect(insertion.accepted.isEmpty)
            #expect(insertion.refused.allSatisfy { $0 == .stranger })
        }
        #expect(mesh.ledgers[1].count == before.count)
        // Kin are told that it is known, so that it is not sent again and again.
        #expect(mesh.ledgers[1].versions.authors.count > before.versions.authors.count)
    }

    @Test func `a forgetting fits and spreads, however much a kin and those whom it made up have stated`() throws {
        var mesh = try Self.mesh()
        let thief = mesh.identities[2]
        let accomplices = try (0..<5).map { _ in try NodeIdentity.ephemeral(now: .now()) }
        let start = mesh.ledgers[0].lastSequence(of: thief.id) + 1
        let own = try Self.flood(by: thief, from: start, count: 190, admitting: accomplices.map(\.id))
        let theirs = try accomplices.map { try Self.flood(by: $0, count: 200) }
        for node in 0...1 {
            mesh.ledgers[node].capacity.statements = 800
            for batch in [own] + theirs { _ = mesh.ledgers[node].insert(batch) }
            #expect((790...810).contains(mesh.ledgers[node].count))
        }
        try mesh.forget(2, by: 1)
        mesh.exchange(0, 1)
        #expect(mesh.ledgers[0].resolution.kin[thief.id] == nil)
        #expect(mesh.ledgers[1].resolution.kin[thief.id] == nil)
    }

    @Test func `who takes room for made-up authors loses it to those who state little`() throws {
        var mesh = try Self.mesh()
        let thief = mesh.identities[2]
        let start = mesh.ledgers[0].lastSequence(of: thief.id) + 1
        mesh.ledgers[0].capacity.authors = 40
        let many = try (0..<60).map { _ in try NodeIdentity.ephemeral(now: .now()) }
        _ = mesh.ledgers[0].insert(
            try Self.flood(by: thief, from: start, count: many.count, admitting: many.map(\.id)))
        for author in many { _ = mesh.ledgers[0].insert(try Self.flood(by: author, count: 1)) }
        #expect(mesh.ledgers[0].authors.count <= 40)
        let newcomer = try NodeIdentity.ephemeral(now: .now())
        let admission = try mesh.identities[1].admit(
            newcomer.id, introduction: TrustMesh.names, in: mesh.ledgers[1], now: mesh.now)
        _ = mesh.ledgers[0].insert([admission])
        #expect(mesh.ledgers[0].insert(try Self.flood(by: newcomer, count: 1)).accepted.count == 1)
    }

    @Test
    func `forgotten wholly, it takes along whom it made up, and the ledgers are those of nodes that never knew them`()
        throws
    {
        var mesh = try Self.mesh()
        let clean = mesh
        let thief = mesh.identities[2]
        let accomplices = try (0..<20).map { _ in try NodeIdentity.ephemeral(now: .now()) }
        let start = mesh.ledgers[0].lastSequence(of: thief.id) + 1
        let own = try Self.flood(by: thief, from: start, count: 100, admitting: accomplices.map(\.id))
        for node in 0...1 {
            _ = mesh.ledgers[node].insert(own)
            for author in accomplices { _ = mesh.ledgers[node].insert(try Self.flood(by: author, count: 30)) }
        }
        #expect(mesh.ledgers[0].resolution.kin.count > 20)
        let forgetting = try mesh.identities[0].forget(thief.id, wholly: true, in: mesh.ledgers[0], now: mesh.now)
        _ = mesh.ledgers[0].insert([forgetting])
        mesh.exchange(0, 1)
        for node in 0...1 {
            #expect(mesh.kin(of: node) == [1 - node])
            // The forgetting is all that is left.
            var never = clean.ledgers[node]
            _ = never.insert([forgetting])
            #expect(mesh.ledgers[node].signedOperations.map(\.bytes) == never.signedOperations.map(\.bytes))
            #expect(mesh.ledgers[node].authors[thief.id] == nil)
        }
        // What it sends again is not taken, and not asked for.
        let insertion = mesh.ledgers[0].insert(try Self.flood(by: accomplices[0], count: 30))
        #expect(insertion.accepted.isEmpty)
        #expect(mesh.ledgers[0].authors[accomplices[0].id] == nil)
    }

    @Test func `forgotten wholly and paired again, it is kin with what it states`() throws {
        var mesh = try Self.mesh(4)
        _ = mesh.ledgers[0].insert([
            try mesh.identities[0].forget(mesh.id(2), wholly: true, in: mesh.ledgers[0], now: mesh.now)
        ])
        mesh.exchange(0, 1)
        try mesh.pair(0, 2)
        try mesh.admit(3, by: 2)
        mesh.exchangeAll()
        #expect(mesh.kin(of: 1) == [0, 2, 3])
        #expect(mesh.ledgers[0].versions == mesh.ledgers[1].versions)
    }

    @Test(arguments: [UInt64(3), 1_000, TrustOperation.epochLimit])
    func `epochs move by one: a forgetting far ahead does not keep a node out for ever`(epoch: UInt64) throws {
        var mesh = try Self.mesh()
        let thief = mesh.identities[2]
        let lie = try TrustOperation(
            author: thief.publicKey, sequence: mesh.ledgers[0].lastSequence(of: thief.id) + 1, subject: mesh.id(1),
            statement: .forget(epoch: epoch, lastAccepted: 0), saidAt: mesh.now
        ).signed(by: thief)
        for node in 0...1 { _ = mesh.ledgers[node].insert([lie]) }
        // It is no step, so it says nothing.
        #expect(mesh.kin(of: 0) == [1, 2])
        try mesh.forget(1, by: 0)
        #expect(mesh.kin(of: 0) == [2])
        try mesh.pair(0, 1)
        mesh.exchange(0, 1)
        #expect(mesh.kin(of: 0) == [1, 2])
        #expect(mesh.ledgers[0].resolution.kin[mesh.id(1)]?.epoch == 2)
    }

    @Test func `a node is forgotten and paired again many times, a step at a time`() throws {
        var mesh = try TrustMesh(nodes: 2)
        for _ in 0..<60 {
            try mesh.admit(1, by: 0)
            try mesh.forget(1, by: 0)
        }
        try mesh.admit(1, by: 0)
        #expect(mesh.ledgers[0].resolution.kin[mesh.id(1)]?.epoch == 61)
    }
}
