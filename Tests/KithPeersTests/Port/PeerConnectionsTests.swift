// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import NIOCore
import Testing
@testable import KithPeers

@Suite("Shares of the peer port")
struct PeerConnectionsTests {
    private func channel() throws -> any Channel { try FarChannel.make("203.0.113.9") }

    private func caller(_ number: Int, from source: String = "203.0.113.9") throws -> PeerConnections.Caller {
        PeerConnections.Caller(id: try TestID.make(number), source: source)
    }

    @Test("However many connections a friend opens, kin and other friends get theirs")
    func friend() throws {
        let connections = PeerConnections()
        let opened = try (0..<2_048).map { _ in try channel() }
        for one in opened { #expect(try connections.open(one, by: caller(1), standing: .kith)) }
        #expect(opened.count { $0.isActive } == PeerConnections.connectionsPerFriend)
        #expect(connections.open(try channel(), by: try caller(2), standing: .kith))
        #expect(connections.open(try channel(), by: try caller(3), standing: .kin))
    }

    @Test("Idle strangers from many addresses do not stop somebody who wants to pair")
    func strangers() throws {
        let connections = PeerConnections()
        for number in 0..<64 {
            _ = connections.open(
                try channel(), by: try caller(number, from: "198.51.100.\(number % 8)"), standing: .stranger)
        }
        let guest = try channel()
        #expect(connections.open(guest, by: try caller(100, from: "203.0.113.1"), standing: .stranger))
        #expect(guest.isActive && connections.caller(on: guest) != nil)
    }

    @Test("Handshakes that never end, from many addresses, do not keep others from beginning one")
    func handshakes() throws {
        let connections = PeerConnections()
        for number in 0..<2_000 {
            #expect(connections.beginHandshake(on: try channel(), from: "198.51.100.\(number % 16)"))
        }
        let guest = try channel()
        #expect(connections.beginHandshake(on: guest, from: "203.0.113.1"))
        #expect(guest.isActive)
        connections.handshakeEnded(on: guest)
    }

    @Test("A node that is forgotten loses all its connections and no other does")
    func forgotten() throws {
        let connections = PeerConnections()
        let more = PeerConnections.connectionsPerKin + 6  // some of them have to make room, and are busy
        let (lost, kept) = (try (0..<more).map { _ in try channel() }, try channel())
        for one in lost { _ = connections.open(one, by: try caller(1), standing: .kin) }
        _ = connections.open(kept, by: try caller(2), standing: .kin)
        connections.close(try TestID.make(1))
        #expect(lost.allSatisfy { !$0.isActive } && kept.isActive)
    }
}
