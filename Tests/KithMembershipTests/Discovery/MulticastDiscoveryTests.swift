// SPDX-License-Identifier: Apache-2.0

import CDNSSD
import KithModel
import KithTesting
import Synchronization
import Testing

@testable import KithMembership

/// In turn, because they share one message bus.
@Suite("Multicast discovery", .serialized)
struct MulticastDiscoveryTests {
    @Test("Without the library the node is told what to install, and goes on")
    func noLibrary() async throws {
        let problem = try await firstProblem(library: "libkith-has-no-such-library.so.1")
        #if os(Linux)
            #expect(
                problem
                    == "mDNS is off: libdns_sd.so.1 is not installed (Debian: libavahi-compat-libdnssd1, avahi-daemon)")
        #else
            #expect(problem.hasPrefix("mDNS is off: "))
        #endif
    }

    #if os(Linux)
        @Test("Without the daemon the node is told what to start, and goes on")
        func noDaemon() async throws {
            MulticastDaemon.useOwnBus()
            let problem = try await firstProblem(library: MulticastDiscovery.Settings.library)
            #expect(problem.contains("is not installed") || problem.contains("systemctl start avahi-daemon"))
        }
    #endif

    private func firstProblem(library: String) async throws -> String {
        let discovery = MulticastDiscovery(
            .init(
                id: try TestID.make(1), name: try #require(NodeName("n")), advertisedPort: 7443, record: [],
                library: library))
        let (reports, told) = AsyncStream.makeStream(of: DiscoveryReport.self)
        let run = Task { await discovery.run { told.yield($0) } }
        var heard: [DiscoveryReport] = []
        for await report in reports {
            heard.append(report)
            if !report.problems.isEmpty { break }
        }
        run.cancel()
        await run.value
        #expect(heard.first == DiscoveryReport())
        return try #require(heard.last?.problems.first)
    }

    @Suite(
        "with a real daemon",
        .enabled(if: MulticastDaemon.isPossible, "needs root, network namespaces, avahi-daemon and dbus-daemon"))
    struct WithDaemon {
        @Test("It reports at the start")
        func start() async throws {
            try await MulticastSubject.serve { try await DiscoveryConformance($0).reportsAtStart() }
        }

        @Test("What is advertised and withdrawn is reported, and the node's own advertisement is not")
        func changes() async throws {
            try await MulticastSubject.serve { try await DiscoveryConformance($0).reportsChanges() }
        }

        @Test("It ends at once")
        func end() async throws {
            try await MulticastSubject.serve { try await DiscoveryConformance($0).endsWhenCancelled() }
        }

        @Test("A daemon that is killed is a problem until it is back, and what was found stays")
        func breaks() async throws {
            try await MulticastSubject.serve {
                try await DiscoveryConformance($0, patience: .seconds(30)).survivesBreaking()
            }
        }

        @Test("A daemon that is killed ends a lookup with an error, whatever was in the lookup's memory before")
        func breaksLookup() async throws {
            try await MulticastSubject.serve { subject in
                let lookup = try Self.lookup(with: .load())
                try await subject.breakSource()
                var hasFailed = false
                for _ in 0..<10 where !hasFailed {
                    guard Poll.wait(for: [lookup.descriptor], limit: .seconds(10)) == [lookup.descriptor] else { break }
                    hasFailed = lookup.process().contains { if case .failed = $0 { true } else { false } }
                }
                #expect(hasFailed)
            }
        }

        /// Looks up what nobody advertises, as soon as the daemon is there, in memory that is not zero.
        private static func lookup(with library: cdnssd) throws -> DNSSDOperation {
            let key = MulticastCache.Key(interface: 0, name: "nobody", domain: "local.")
            for _ in 0..<500 {
                UsedMemory.leave()
                if let lookup = try? DNSSDOperation.resolve(key, with: library) { return lookup }
                _ = Poll.wait(for: [], limit: .milliseconds(20))
            }
            throw DNSSDError.daemonAway
        }

        @Test("No address is suggested twice")
        func bound() async throws {
            try await MulticastSubject.serve { try await DiscoveryConformance($0).isBounded() }
        }

        @Test("Other texts than a node's harm nobody", arguments: [1] as [UInt64])
        func rubbish(seed: UInt64) async throws {
            print("seed \(seed)")
            try await MulticastSubject.serve { try await DiscoveryConformance($0).survivesRubbish(seed: seed) }
        }

        @Test("Two nodes find each other with all they advertise, and are gone when they stop")
        func eachOther() async throws {
            try await MulticastSubject.serve { subject in
                let desk = MulticastDiscovery(
                    id: try TestID.make(20), name: try #require(NodeName("desk")), port: 7444, version: "0.3.1",
                    protocolVersion: 2)
                let (reports, told) = AsyncStream.makeStream(of: DiscoveryReport.self)
                let listener = Task { await subject.discovery.run { told.yield($0) } }
                let advertiser = Task { await desk.run { _ in } }
                var wasSeen = false
                for await report in reports {
                    let found = report.suggestions.filter { $0.address.port == 7444 }
                    if wasSeen {
                        if found.isEmpty { break }
                        continue
                    }
                    guard let first = found.first else { continue }
                    #expect(first.id == (try TestID.make(20)))
                    #expect(first.name?.rawValue == "desk")
                    #expect(first.version == "0.3.1" && first.protocolVersion == 2)
                    wasSeen = true
                    advertiser.cancel()
                }
                await advertiser.value
                listener.cancel()
                await listener.value
                #expect(wasSeen)
            }
        }
    }
}

/// Fills blocks of memory and frees them, so that who allocates next on this thread finds what was in them.
private enum UsedMemory {
    static func leave() {
        for size in stride(from: 64, through: 512, by: 16) {
            let blocks = (0..<7).map { _ in UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16) }
            for block in blocks { block.initializeMemory(as: UInt8.self, repeating: 0xA5, count: size) }
            for block in blocks { block.deallocate() }
        }
    }
}
