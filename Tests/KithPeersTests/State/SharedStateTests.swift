// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithInference
import KithModel
import KithStore
import KithSurfaceTesting
import KithTesting
import KithTrust
import Testing
@testable import KithAPI
@testable import KithPeers
@testable import KithSync

@Suite struct `The state that kin share` {
    @Test(.timeLimit(.minutes(1)))
    func `reads the same at both, wherever it was written`() async throws {
        try await TestNode.run("one", engine: EchoEngine()) { one in
            try await TestNode.run("two", engine: EchoEngine(), kin: [one]) { two in
                try await one.state.write([.level(2.5, of: .named("editor"))])
                try await two.state.write([.context("branch", "main", by: .named("editor"))])
                try await two.until { $0.level(of: .named("editor"))?.level == 2.5 }
                try await one.until { $0.context().first?.values.map(\.value) == ["main"] }
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `comes to one that joins later, with everything written before`() async throws {
        try await TestNode.run("one", engine: EchoEngine()) { one in
            for number in 0..<50 {
                try await one.state.write([.context("k\(number)", .integer(Int64(number)), by: .named("editor"))])
            }
            try await TestNode.run("two", engine: EchoEngine(), kin: [one]) { two in
                try await two.until { $0.context().count == 50 }
                let kin = try #require(two.state.report().kin.first)
                #expect(kin.id == one.id)
                #expect(kin.behind == 0 && kin.ahead == 0)
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `reaches a third that only the second can reach`() async throws {
        try await TestNode.run("one", engine: EchoEngine()) { one in
            try await TestNode.run("two", engine: EchoEngine(), kin: [one]) { two in
                try await TestNode.run("three", engine: EchoEngine()) { three in
                    try await two.trust(three)
                    try await one.state.write([.context("branch", "main", by: .named("editor"))])
                    try await three.until { $0.context().count == 1 }
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `is not told to a friend's node`() async throws {
        try await TestNode.run("one", engine: EchoEngine()) { one in
            try await TestNode.run("friend", engine: EchoEngine()) { friend in
                try await one.trust(friend, as: .kith)
                try await one.state.write([.context("branch", "secret", by: .named("editor"))])
                let visitor = try PeerVisitor(friend.identity)
                let reply = try await visitor.send(.post, PeerWire.statePath, "", to: one)
                #expect(reply.status == 403)
                #expect(friend.state.context().isEmpty)
            }
        }
    }

    @Test func `says nothing of a kin that was forgotten, also when an exchange with it ends afterwards`() async throws
    {
        let (own, other) = (try NodeIdentity.temporary().id, try NodeIdentity.temporary().id)
        let book = try await SharedStateStore.open(store: StoredLog(.inMemory()), node: own, events: EventHub())
        book.keepStandings(of: [other])
        book.note(other) { $0.exchangedAt = .now() }
        #expect(book.report().kin.map(\.id) == [other])
        book.keepStandings(of: [])
        book.note(other) { $0.exchangedAt = .now() }
        #expect(book.report().kin.isEmpty)
    }

    @Test func `counts a delivery once, however often it arrives`() async throws {
        try await TestNode.run("one", engine: EchoEngine()) { one in
            let key = try #require(DeliveryKey("write-1"))
            let first = try await one.state.write([.level(1, of: .named("editor"))], delivery: key)
            try await one.state.write([.level(2, of: .named("editor"))])
            let second = try await one.state.write([.level(1, of: .named("editor"))], delivery: key)
            #expect(first && !second)
            #expect(one.state.level(of: .named("editor"))?.level == 2)
        }
    }

    @Test(arguments: [-1, 10.5, .nan, .infinity])
    func `takes no level outside of 0 to 10`(level: Double) async throws {
        try await TestNode.run("one", engine: EchoEngine()) { one in
            await #expect(throws: StateRefusal.self) {
                try await one.state.write([.level(level, of: .named("editor"))])
            }
            #expect(one.state.levels().isEmpty)
        }
    }
}
