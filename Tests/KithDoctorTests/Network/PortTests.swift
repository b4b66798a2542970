// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithTesting
import NIOCore
import NIOPosix
import Testing

@testable import KithDoctor

@Suite("Ports and who has them")
struct PortTests {
    private static let table = """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1
           1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1
           2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1
        """

    @Test("The table of sockets names those that listen on the port, and no connections")
    func table() {
        #expect(ListeningSockets.inodes(in: Self.table, port: 8080) == [4711])
        #expect(ListeningSockets.inodes(in: Self.table, port: 22) == [4713])
        #expect(ListeningSockets.inodes(in: Self.table, port: 81).isEmpty)
    }

    @Test(
        "An open file that is a socket names its inode",
        arguments: [("socket:[4711]", UInt64(4711)), ("pipe:[4711]", nil), ("socket:[", nil)])
    func links(_ link: String, _ inode: UInt64?) {
        #expect(ListeningSockets.inode(of: link) == inode)
    }

    @Test("Spoilt tables never trap")
    func hostile() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1_000 {
            let text = String(decoding: Mutations.spoil(Array(Self.table.utf8), using: &generator), as: UTF8.self)
            _ = ListeningSockets.inodes(in: text, port: 8080)
            _ = ListeningSockets.inode(of: text)
        }
    }

    private static let place = ListenerPlace(name: "clients", host: "127.0.0.1", port: 8080, flag: "--port")

    private func verdict(
        _ trial: ListenTrial, holder: PortHolder? = nil, givesWay: ListenerPlace.Yielding? = nil
    ) -> Finding {
        var place = Self.place
        place.givesWay = givesWay
        return PortVerdict(place: place, trial: trial, holder: holder).finding
    }

    @Test("A port that is taken and was asked for is an error; one that nobody asked for gives way")
    func taken() {
        #expect(verdict(.taken).severity == .error)
        #expect(verdict(.taken).fix?.sentence.contains("ss -ltnp") == true)
        #expect(verdict(.taken, givesWay: .node).severity == .notice)
        #expect(verdict(.taken, givesWay: .setup).seen.contains("kith setup takes another one for clients"))
        #expect(verdict(.free).severity == .ok)
        #expect(verdict(.notPermitted).fix?.command == "kith up --port 16080")
    }

    @Test("Who has set the node up is told to set it up with another port, but for those that setup has no flag for")
    func setUp() {
        let verdict = PortVerdict(place: Self.place, start: .bySetup, trial: .taken)
        #expect(verdict.finding.fix?.command == "kith setup --yes --port 8081")
        let cell = ListenerPlace(name: "cell", host: "127.0.0.1", port: 8000, flag: "--cell-port")
        #expect(
            PortVerdict(place: cell, start: .bySetup, trial: .taken).finding.fix?.command == "kith up --cell-port 8001")
    }

    @Test("A real listener is seen, and on Linux this process is named as its holder")
    func real() async throws {
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        var place = Self.place
        place.port = port
        let findings = await PortDiagnosis(place: place).run()
        #expect(findings.map(\.severity) == [.error])
        #if os(Linux)
            #expect(PortHolder.find(port)?.pid == ProcessInfo.processInfo.processIdentifier)
        #endif
        try await channel.close()
        #expect(await PortDiagnosis(place: place).run().map(\.severity) == [.ok])
    }
}
