// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithTrust
import Testing

@Suite("The counter of kin")
struct TrustLogTests {
    @Test("Kin introduce kin: five nodes need four pairings")
    func introductions() throws {
        var mesh = try TrustMesh(nodes: 5)
        for other in 1..<5 { try mesh.pair(0, other) }
        mesh.exchangeAll()
        for node in 0..<5 { #expect(mesh.kin(of: node) == (0..<5).filter { $0 != node }) }
    }

    @Test("A chain of pairings joins its ends")
    func chain() throws {
        var mesh = try TrustMesh(nodes: 4)
        for node in 0..<3 { try mesh.pair(node, node + 1) }
        mesh.exchangeAll()
        #expect(mesh.kin(of: 0) == [1, 2, 3])
        #expect(mesh.kin(of: 3) == [0, 1, 2])
    }

    @Test("What is known of a kin is what its latest admission says")
    func members() throws {
        var mesh = try TrustMesh(nodes: 2)
        try mesh.pair(0, 1)
        let address = try #require(PeerAddress("10.0.0.7:7443"))
        let says = PairingIntroduction(name: NodeName("desk"), addresses: [address])
        let later = mesh.now.advanced(by: .seconds(9))
        _ = mesh.ledgers[0].insert([
            try mesh.identities[0].admit(mesh.id(1), introduction: says, in: mesh.ledgers[0], now: later)
        ])
        let member = try #require(mesh.ledgers[0].resolution.kin[mesh.id(1)])
        #expect(member.introduction == says)
        #expect(member.admittedBy == mesh.id(0))
        #expect(member.admittedAt == later)
        #expect(member.epoch == 1)
    }

    @Test("A forgotten node is forgotten by all, and knows it when it hears")
    func forgetting() throws {
        var mesh = try TrustMesh(nodes: 3)
        try mesh.pair(0, 1)
        try mesh.pair(0, 2)
        mesh.exchangeAll()
        try mesh.forget(2, by: 1)
        mesh.exchangeAll()
        #expect(mesh.kin(of: 0) == [1])
        #expect(mesh.kin(of: 1) == [0])
        #expect(mesh.ledgers[0].resolution.forgotten == [mesh.id(2): [mesh.id(1)]])
        #expect(mesh.ledgers[2].resolution.isSelfForgotten)
        #expect(!mesh.ledgers[0].resolution.isSelfForgotten)
    }

    @Test("Whom a forgotten node had introduced stays, whom it introduces afterwards does not come in")
    func cutOff() throws {
        var mesh = try TrustMesh(nodes: 5)
        try mesh.pair(0, 1)
        try mesh.pair(1, 2)
        mesh.exchangeAll()
        try mesh.forget(1, by: 0)
        try mesh.pair(1, 3)
        try mesh.pair(3, 4)
        mesh.exchangeAll()
        #expect(mesh.kin(of: 0) == [2])
        #expect(mesh.kin(of: 2) == [0])
    }

    @Test("A forgotten node cannot have itself taken back by somebody it brings along")
    func accomplice() throws {
        var mesh = try TrustMesh(nodes: 3)
        try mesh.pair(0, 1)
        mesh.exchangeAll()
        try mesh.forget(1, by: 0)
        mesh.exchange(0, 1)
        try mesh.pair(1, 2)
        mesh.exchange(1, 2)
        try mesh.admit(1, by: 2)
        try mesh.admit(0, by: 2)
        mesh.exchangeAll()
        #expect(mesh.kin(of: 0).isEmpty)
    }

    @Test("Two that forget each other at the same time are both gone")
    func mutual() throws {
        var mesh = try TrustMesh(nodes: 3)
        try mesh.pair(0, 1)
        try mesh.pair(0, 2)
        mesh.exchangeAll()
        try mesh.forget(2, by: 1)
        try mesh.forget(1, by: 2)
        mesh.exchangeAll()
        #expect(mesh.kin(of: 0).isEmpty)
    }

    @Test("Pairing again takes a node back, with what it said before")
    func takenBack() throws {
        var mesh = try TrustMesh(nodes: 4)
        try mesh.pair(0, 1)
        try mesh.pair(0, 2)
        mesh.exchangeAll()
        try mesh.forget(2, by: 1)
        mesh.exchange(0, 1)
        try mesh.pair(2, 3)
        mesh.exchangeAll()
        #expect(mesh.kin(of: 0) == [1])
        try mesh.pair(0, 2)
        mesh.exchangeAll()
        for node in 0..<4 {
            #expect(mesh.kin(of: node) == (0..<4).filter { $0 != node })
            #expect(!mesh.ledgers[node].resolution.isSelfForgotten)
        }
        #expect(mesh.ledgers[0].resolution.kin[mesh.id(2)]?.epoch == 2)
    }

    @Test("A node that was forgotten while nobody knew what it had said can be paired again")
    func takenBackFromNothing() throws {
        var mesh = try TrustMesh(nodes: 2)
        try mesh.pair(0, 1)
        try mesh.forget(1, by: 0)
        mesh.exchangeAll()
        #expect(mesh.kin(of: 0).isEmpty)
        try mesh.pair(0, 1)
        mesh.exchangeAll()
        #expect(mesh.kin(of: 0) == [1])
        #expect(mesh.kin(of: 1) == [0])
    }

    @Test("Forgetting wins over an admission of the same epoch that was made at the same time")
    func concurrentAdmission() throws {
        var mesh = try TrustMesh(nodes: 3)
        try mesh.pair(0, 1)
        try mesh.pair(0, 2)
        mesh.exchangeAll()
        try mesh.forget(2, by: 0)
        try mesh.admit(2, by: 1)
        mesh.exchangeAll()
        #expect(mesh.kin(of: 0) == [1])
        #expect(mesh.kin(of: 1) == [0])
    }

    @Test("A node that leaves by itself is forgotten")
    func leaving() throws {
        var mesh = try TrustMesh(nodes: 3)
        try mesh.pair(0, 1)
        try mesh.pair(0, 2)
        mesh.exchangeAll()
        try mesh.forget(2, by: 2)
        mesh.exchangeAll()
        #expect(mesh.kin(of: 0) == [1])
        #expect(mesh.ledgers[2].resolution.isSelfForgotten)
    }

    @Test("After a restart from what was stored, the forgotten stay forgotten")
    func restart() throws {
        var mesh = try TrustMesh(nodes: 4)
        for other in 1..<4 { try mesh.pair(0, other) }
        mesh.exchangeAll()
        try mesh.forget(3, by: 1)
        mesh.exchangeAll()
        var restarted = TrustLog(root: mesh.id(0))
        let insertion = restarted.insert(mesh.ledgers[0].missing(for: restarted.versions).reversed())
        #expect(insertion.accepted.count == mesh.ledgers[0].count)
        #expect(restarted.resolution == mesh.ledgers[0].resolution)
        #expect(restarted.resolution.kin[mesh.id(3)] == nil)
    }

    // MARK: - What is not taken

    @Test("A node does not admit itself")
    func selfAdmission() throws {
        let mesh = try TrustMesh(nodes: 1)
        let error = #expect(throws: TrustError.self) {
            try mesh.identities[0].admit(
                mesh.id(0), introduction: TrustMesh.names, in: mesh.ledgers[0], now: mesh.now)
        }
        #expect(error?.code == .ownID)
    }

    @Test("Changed, misfiled and overlong operations are refused with the reason")
    func refusals() throws {
        var mesh = try TrustMesh(nodes: 2)
        let operation = try mesh.identities[0].admit(
            mesh.id(1), introduction: TrustMesh.names, in: mesh.ledgers[0], now: mesh.now)
        var (forged, misfiled, renumbered, long, short) = (operation, operation, operation, operation, operation)
        forged.bytes[forged.bytes.count - 1] ^= 1
        misfiled.author = mesh.id(1)
        renumbered.sequence = 2
        long.bytes += [UInt8](repeating: 0, count: 4_096)
        short.bytes = []
        let insertion = mesh.ledgers[0].insert([forged, misfiled, renumbered, long, short])
        #expect(
            insertion.refused == [
                .unreadable(.wrongSignature), .unreadable(.misfiled), .unreadable(.tooLong), .unreadable(.malformed),
                .unreadable(.misfiled),
            ])
        #expect(mesh.ledgers[0].count == 0)
    }

    @Test("Spoilt operations change nothing")
    func fuzz() throws {
        var mesh = try TrustMesh(nodes: 2)
        try mesh.pair(0, 1)
        let address = try #require(PeerAddress("laptop.local:7443"))
        let says = PairingIntroduction(name: NodeName("desk"), addresses: [address, address])
        _ = mesh.ledgers[0].insert([
            try mesh.identities[0].admit(mesh.id(1), introduction: says, in: mesh.ledgers[0], now: mesh.now)
        ])
        let whole = mesh.ledgers[0].missing(for: TrustLog(root: mesh.id(1)).versions)
        let resolution = mesh.ledgers[0].resolution
        for seed in UInt64(0)..<2_000 {
            var generator = SeededGenerator(seed: seed)
            var operation = whole[Int.random(in: 0..<whole.count, using: &generator)]
            let bytes = Mutations.spoil(operation.bytes, using: &generator)
            guard bytes != operation.bytes else { continue }
            operation.bytes = bytes
            let insertion = mesh.ledgers[0].insert([operation])
            #expect(insertion.refused.count == 1, "seed \(seed)")
        }
        #expect(mesh.ledgers[0].resolution == resolution)
    }

    // MARK: - Numbers

    @Test("What arrives early waits for what comes before it")
    func gaps() throws {
        var mesh = try TrustMesh(nodes: 4)
        for other in 1..<4 { try mesh.admit(other, by: 0) }
        let operations = mesh.ledgers[0].missing(for: TrustLog(root: mesh.id(0)).versions)
        var log = try mesh.newcomer(1, knowing: 0)
        let early = log.insert([operations[2], operations[1], operations[2]])
        #expect(early.heldBack == 2)
        #expect(early.accepted.isEmpty)
        #expect(log.count == 1)
        let late = log.insert([operations[0]])
        #expect(late.accepted == operations)
        #expect(log.lastSequence(of: mesh.id(0)) == 3)
    }

    @Test("Not more than 1,024 operations wait")
    func heldBackLimit() throws {
        var mesh = try TrustMesh(nodes: 2)
        for _ in 0..<1_030 { try mesh.admit(1, by: 0) }
        var log = try mesh.newcomer(1, knowing: 0)
        var waiting: [SignedOperation] = []
        while waiting.count < 1_030 {
            waiting += mesh.ledgers[0].missing(for: log.versions)
            _ = log.insert(waiting.suffix(TrustLog.batchLimit))
        }
        var late = try mesh.newcomer(1, knowing: 0)
        let insertion = late.insert(waiting.dropFirst())
        #expect(insertion.heldBack == TrustLog.heldBackLimit)
        #expect(insertion.refused == [.full, .full, .full, .full, .full])
        let filled = late.insert(waiting.prefix(1))
        #expect(filled.accepted.count == 1_025)
    }

    @Test("Of two statements under one number all keep the same, and report it")
    func equivocation() throws {
        var mesh = try TrustMesh(nodes: 3)
        let empty = TrustLog(root: mesh.id(0))
        let statements = try [1, 2].map {
            try mesh.identities[0].admit(mesh.id($0), introduction: TrustMesh.names, in: empty, now: mesh.now)
        }
        var (one, other) = (try mesh.newcomer(1, knowing: 0), try mesh.newcomer(1, knowing: 0))
        let first = one.insert(statements)
        let second = other.insert(statements.reversed())
        #expect(one.versions == other.versions)
        #expect(first.equivocations == second.equivocations)
        #expect(first.equivocations.first?.kept.author.id == mesh.id(0))
        #expect(first.accepted.count + second.accepted.count == 3)
        #expect(first.accepted.last == second.accepted.last)
        mesh.ledgers[0] = one
    }

    @Test("Ledgers that hold different statements under one number find out when they exchange")
    func equivocationExchanged() throws {
        var mesh = try TrustMesh(nodes: 3)
        let empty = TrustLog(root: mesh.id(0))
        let statements = try [1, 2].map {
            try mesh.identities[0].admit(mesh.id($0), introduction: TrustMesh.names, in: empty, now: mesh.now)
        }
        for node in 1...2 { try mesh.admit(0, by: node) }
        mesh.exchange(1, 2)
        try mesh.pair(1, 2)
        mesh.exchange(1, 2)
        _ = mesh.ledgers[1].insert(statements.prefix(1))
        _ = mesh.ledgers[2].insert(statements.suffix(1))
        mesh.exchange(1, 2)
        #expect(mesh.ledgers[1].versions == mesh.ledgers[2].versions)
    }

    @Test("The same statement with another signature is the same statement")
    func secondSignature() throws {
        var mesh = try TrustMesh(nodes: 2)
        let statements = try (0..<2).map { _ in
            try mesh.identities[0].admit(
                mesh.id(1), introduction: TrustMesh.names, in: mesh.ledgers[0], now: mesh.now)
        }
        try #require(statements[0] != statements[1])
        let insertion = mesh.ledgers[0].insert(statements)
        #expect(insertion.accepted == [statements[0]])
        #expect(insertion.equivocations.isEmpty)
    }

    @Test("A node that lost its counter learns its own statements back and goes on after them")
    func lostLedger() throws {
        var mesh = try TrustMesh(nodes: 3)
        try mesh.pair(0, 1)
        try mesh.pair(0, 2)
        mesh.exchangeAll()
        mesh.ledgers[0] = TrustLog(root: mesh.id(0))
        mesh.exchange(0, 1)
        #expect(mesh.ledgers[0].lastSequence(of: mesh.id(0)) == 2)
        #expect(mesh.kin(of: 0) == [1, 2])
    }

    @Test("An author has 2,000 operations and says so itself")
    func authorLimit() throws {
        var mesh = try TrustMesh(nodes: 2)
        for _ in 0..<TrustLog.limitPerAuthor { try mesh.admit(1, by: 0) }
        let error = #expect(throws: TrustError.self) {
            try mesh.identities[0].admit(
                mesh.id(1), introduction: TrustMesh.names, in: mesh.ledgers[0], now: mesh.now)
        }
        #expect(error?.code == .full)
    }
}
