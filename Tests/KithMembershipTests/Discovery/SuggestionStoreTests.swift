// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import Testing

@Suite("Suggestion book")
struct SuggestionStoreTests {
    private let start = MonotonicInstant.zero

    private func suggestion(_ address: String, _ id: Int? = nil, name: String? = nil) throws -> Suggestion {
        Suggestion(
            address: try #require(PeerAddress(address)), id: try id.map(TestID.make),
            name: name.flatMap { NodeName($0) })
    }

    private func report(_ suggestions: Suggestion...) -> DiscoveryReport { DiscoveryReport(suggestions: suggestions) }

    @Test("What sources say of one id is one peer, its most trustworthy address first")
    func merging() throws {
        var store = SuggestionStore()
        store.take(report(try suggestion("10.0.0.3:1", 1, name: "desk")), feed: 0, source: .mdns, at: start)
        store.take(
            report(try suggestion("10.0.0.2:1", 1), try suggestion("10.0.0.1:1", 1)), feed: 1, source: .remembered,
            at: start)
        store.take(report(try suggestion("10.0.0.4:1", 1)), feed: 2, source: .registry, at: start)
        let peers = store.peers(at: start)
        #expect(peers.count == 1)
        #expect(peers.first?.name?.rawValue == "desk")
        #expect(peers.first?.addresses.map(\.address.host) == ["10.0.0.2", "10.0.0.1", "10.0.0.3", "10.0.0.4"])
        #expect(peers.first?.addresses.map(\.source) == [.remembered, .remembered, .mdns, .registry])
    }

    @Test("An address without an id joins those who claim it, and stands alone when nobody does")
    func nameless() throws {
        var store = SuggestionStore()
        store.take(report(try suggestion("a:1"), try suggestion("b:1")), feed: 0, source: .file, at: start)
        store.take(report(try suggestion("a:1", 1)), feed: 1, source: .mdns, at: start)
        let peers = store.peers(at: start)
        #expect(peers.map(\.id) == [try TestID.make(1), nil])
        #expect(peers.map { $0.addresses.map(\.source) } == [[.file], [.file]])
    }

    @Test("An address that two ids claim is suggested for both: the certificate decides")
    func contested() throws {
        var store = SuggestionStore()
        store.take(report(try suggestion("a:1", 1)), feed: 0, source: .remembered, at: start)
        store.take(report(try suggestion("a:1", 2)), feed: 1, source: .mdns, at: start)
        #expect(Set(store.peers(at: start).map(\.id)) == [try TestID.make(1), try TestID.make(2)])
    }

    @Test("A node does not find itself")
    func own() throws {
        var store = SuggestionStore(ownID: try TestID.make(1))
        #expect(store.take(report(try suggestion("a:1", 1)), feed: 0, source: .mdns, at: start) == false)
        #expect(store.peers(at: start).isEmpty)
    }

    @Test(
        "What mDNS or a registry ceases to name stays a while, behind what is named",
        arguments: [
            DiscoverySource.mdns, .registry,
        ])
    func lingering(source: DiscoverySource) throws {
        var store = SuggestionStore()
        store.take(report(try suggestion("a:1", 1), try suggestion("b:1", 1)), feed: 0, source: source, at: start)
        let later = start + .seconds(5)
        #expect(store.take(report(try suggestion("b:1", 1)), feed: 0, source: source, at: later) == true)
        let addresses = store.peers(at: later + .seconds(1)).first?.addresses
        #expect(addresses?.map(\.address.host) == ["b", "a"])
        #expect(addresses?.map(\.goneFor) == [nil, .seconds(1)])
        #expect(addresses?.map(\.knownFor) == [.seconds(6), .seconds(6)])
        #expect(store.expire(at: later + (SuggestionStore.linger - .seconds(1))) == false)
        #expect(store.expire(at: later + SuggestionStore.linger) == true)
        #expect(store.peers(at: later).first?.addresses.map(\.address.host) == ["b"])
    }

    @Test("What the owner takes away is gone at once", arguments: [DiscoverySource.file, .environment, .remembered])
    func withdrawn(source: DiscoverySource) throws {
        var store = SuggestionStore()
        store.take(report(try suggestion("a:1")), feed: 0, source: source, at: start)
        store.take(report(), feed: 0, source: source, at: start)
        #expect(store.peers(at: start).isEmpty)
    }

    @Test("A report that says nothing new changes nothing")
    func unchanged() throws {
        var store = SuggestionStore()
        let same = report(try suggestion("a:1", 1))
        #expect(store.take(same, feed: 0, source: .mdns, at: start) == true)
        #expect(store.take(same, feed: 0, source: .mdns, at: start + .seconds(9)) == false)
    }

    @Test("Problems are kept with their source until it reports without them")
    func problems() {
        var store = SuggestionStore()
        store.take(DiscoveryReport(problems: ["m"]), feed: 0, source: .mdns, at: start)
        store.take(DiscoveryReport(problems: ["f"]), feed: 1, source: .file, at: start)
        #expect(store.problems().map(\.text) == ["f", "m"])
        store.take(DiscoveryReport(), feed: 1, source: .file, at: start)
        #expect(store.problems() == [DiscoveryError(source: .mdns, text: "m")])
    }

    @Test("Sources that change their minds without end do not fill the memory", arguments: 1...3 as ClosedRange<UInt64>)
    func bounded(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var store = SuggestionStore()
        for second in 0..<40 {
            let suggestions = try (0..<300).map { _ in
                try suggestion("10.0.0.1:\(Int.random(in: 1...60_000, using: &generator))", 1)
            }
            let now = start + .milliseconds(second)
            store.take(DiscoveryReport(suggestions: suggestions), feed: 0, source: .mdns, at: now)
        }
        let peers = store.peers(at: start + .seconds(1))
        #expect(peers.count == 1)
        #expect(peers.first?.addresses.count == SuggestedPeer.maximumAddresses)
    }
}
