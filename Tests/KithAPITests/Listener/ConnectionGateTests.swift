// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithServer
import KithSurfaceTesting
import KithTesting
import KithTransport
import Logging
import NIOCore
import NIOHTTP1
import Testing

@Suite("Which connections a listener keeps", .timeLimit(.minutes(2)))
struct ConnectionGateTests {
    private static let greeting = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    @Test("Idle connections of this machine's programs keep neither the owner nor each other out")
    func idle() async throws {
        try await TestNode.run(engine: EchoEngine(), limits: ConnectionLimits(connections: 16)) { node in
            let port = node.address.port
            let (opened, news) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<64 {
                    group.addTask {
                        try await RawConnection.open(port: port) { connection in
                            news.yield()
                            _ = await connection.readToEnd()
                        }
                    }
                }
                // One that comes while the owner asks could take the owner's place as that of the oldest newcomer.
                for await _ in opened.prefix(64) {}
                for _ in 0..<8 {
                    let answer = try await RawConnection.open(port: port) { connection in
                        try await connection.send(Self.greeting)
                        return await connection.readToEnd()
                    }
                    #expect(answer.hasPrefix("HTTP/1.1 200"))
                }
                group.cancelAll()
            }
        }
    }

    @Test("An address that a rule denies gets no answer and no handshake, and the trail and the counter say so")
    func denied() throws {
        let audit = RecordingTrail()
        let gate = ConnectionGate(places: 16, audit: audit)
        #expect(gate.admit(try FarChannel.make("203.0.113.9")))
        let far = try FarChannel.make("198.51.100.7")
        #expect(gate.admit(far))
        gate.replace(rules: AddressRules(denied: try [#require(AddressRange("198.51.100.0/24"))]))
        #expect(!far.isActive, "whoever is denied now loses what it had")
        #expect(!gate.admit(try FarChannel.make("198.51.100.8")))
        #expect(!gate.admit(try FarChannel.make("::ffff:198.51.100.8")))
        #expect(gate.admit(try FarChannel.make("127.0.0.1")))
        #expect(gate.admit(try FarChannel.make("2001:db8::1")))
        #expect(audit.lines.map(\.kind) == [.callerRefused, .callerRefused])
        #expect(Set(audit.lines.map(\.reason)) == ["address denied"])
    }

    @Test("Connections of one address before any key do not keep another out, nor one whose request was let in")
    func crowd() throws {
        let gate = ConnectionGate(places: 64)
        let owner = try FarChannel.make("203.0.113.1")
        #expect(gate.admit(owner))
        gate.settle(owner)
        for _ in 0..<4_096 { _ = gate.admit(try FarChannel.make("198.51.100.7")) }
        for network in 0..<2_000 { _ = gate.admit(try FarChannel.make("2001:db8:0:\(String(network, radix: 16))::1")) }
        #expect(gate.admit(try FarChannel.make("203.0.113.2")))
        #expect(gate.admit(try FarChannel.make("127.0.0.1")))
        #expect(owner.isActive)
    }

    @Test("Connections that stay busy when they have to make room are never more than the listener holds")
    func busy() throws {
        let gate = ConnectionGate(places: 64)
        let channels = try (0..<1_000).map { _ in try FarChannel.make("198.51.100.7") }
        for channel in channels {
            #expect(gate.admit(channel))
            gate.settle(channel)
        }
        #expect(channels.count { $0.isActive } < gate.ceiling - 16)
        #expect(gate.admit(try FarChannel.make("127.0.0.1")))
        gate.replace(rules: AddressRules(denied: try [#require(AddressRange("198.51.100.0/24"))]))
        #expect(!channels.contains { $0.isActive }, "also those that were leaving")
    }

    @Test("Whoever has an IPv6 network of 64 bits has one share, whatever addresses it calls from")
    func networks() throws {
        let gate = ConnectionGate(places: 16)
        let channels = try (0..<64).map { try FarChannel.make("2001:db8::\(String($0, radix: 16))") }
        for channel in channels { _ = gate.admit(channel) }
        #expect(channels.count { $0.isActive } == 4)
    }
}
