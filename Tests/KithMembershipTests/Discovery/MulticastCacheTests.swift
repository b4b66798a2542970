// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithMembership

@Suite("Multicast book")
struct MulticastCacheTests {
    private let start = MonotonicInstant.zero
    private let key = MulticastCache.Key(interface: 2, name: "desk ABCDEFG", domain: "local")

    private func book() throws -> MulticastCache { MulticastCache(ownID: try TestID.make(99)) }

    private func found(_ id: Int = 1, port: Int = 7443, _ addresses: String...) throws -> MulticastCache.Found {
        MulticastCache.Found(
            port: port, text: ServiceText(id: try TestID.make(id), version: "1", protocolVersion: 1),
            addresses: addresses.compactMap { IPAddress($0) })
    }

    @Test("What appears is looked up once, and suggested with all that was found")
    func lookup() throws {
        var book = try book()
        book.appeared(key, at: start)
        book.appeared(key, at: start)
        #expect(book.actions(at: start) == [.lookUp(key)])
        #expect(book.actions(at: start).isEmpty)
        #expect(book.suggestions().isEmpty)
        book.lookedUp(key, try found(1, "fe80::2%eth0", "fd00::2", "192.168.1.2"), at: start)
        #expect(
            book.suggestions().map(\.address.description) == [
                "192.168.1.2:7443", "[fd00::2]:7443", "[fe80::2%eth0]:7443",
            ])
        #expect(book.suggestions().first?.name?.rawValue == "desk")
        #expect(book.suggestions().first?.id == (try TestID.make(1)))
    }

    @Test("What both IPv4 and IPv6 hear is gone when both have lost it")
    func sightings() throws {
        var book = try book()
        book.appeared(key, at: start)
        book.appeared(key, at: start)
        _ = book.actions(at: start)
        #expect(book.vanished(key) == nil)
        book.lookedUp(key, try found(1, "10.0.0.1"), at: start)
        #expect(book.suggestions().count == 1)
        #expect(book.vanished(key) == nil)
        #expect(book.suggestions().isEmpty)
    }

    @Test("A lookup is stopped when what it is for is gone, and when it takes too long")
    func stopping() throws {
        var book = try book()
        book.appeared(key, at: start)
        _ = book.actions(at: start)
        #expect(book.nextDeadline() == start + MulticastCache.lookupLimit)
        #expect(book.actions(at: start + MulticastCache.lookupLimit) == [.stop(key)])
        #expect(book.actions(at: start + MulticastCache.lookupLimit + MulticastCache.retry) == [.lookUp(key)])
        #expect(book.vanished(key) == .stop(key))
    }

    @Test("What is known is looked up again in time, and stays when that finds nothing")
    func refreshing() throws {
        var book = try book()
        book.appeared(key, at: start)
        _ = book.actions(at: start)
        book.lookedUp(key, try found(1, "10.0.0.1"), at: start)
        let later = start + MulticastCache.refresh
        #expect(book.actions(at: later) == [.lookUp(key)])
        book.lookedUp(key, nil, at: later)
        #expect(book.suggestions().count == 1)
    }

    @Test("What nobody can look up any more is given up, and is back when somebody can")
    func failing() throws {
        var book = try book()
        book.appeared(key, at: start)
        _ = book.actions(at: start)
        book.lookedUp(key, try found(1, "10.0.0.1"), at: start)
        for number in 1...MulticastCache.maximumFailures {
            #expect(book.suggestions().count == 1, "before failure \(number)")
            book.lookedUp(key, nil, at: start)
        }
        #expect(book.suggestions().isEmpty)
        book.lookedUp(key, try found(1, "10.0.0.1"), at: start)
        #expect(book.suggestions().count == 1)
    }

    @Test("While all lookups are taken, nothing is due before one of them ends")
    func busy() throws {
        var book = try book()
        for number in 0..<20 {
            book.appeared(MulticastCache.Key(interface: 1, name: "n\(number)", domain: "local"), at: start)
        }
        #expect(book.nextDeadline() == start)
        #expect(book.actions(at: start).count == MulticastCache.maximumLookups)
        #expect(book.nextDeadline() == start + MulticastCache.lookupLimit)
    }

    @Test("This node's own advertisement is not suggested")
    func own() throws {
        var book = try book()
        book.appeared(key, at: start)
        _ = book.actions(at: start)
        book.lookedUp(key, try found(99, "10.0.0.1"), at: start)
        #expect(book.suggestions().isEmpty)
    }

    @Test("While the daemon is away, what was found stays, and then goes")
    func absence() throws {
        var book = try book()
        book.appeared(key, at: start)
        _ = book.actions(at: start)
        book.lookedUp(key, try found(1, "10.0.0.1"), at: start)
        book.daemonLost(at: start)
        book.daemonLost(at: start + .seconds(60))
        #expect(book.actions(at: start + .seconds(100)).isEmpty)
        #expect(book.suggestions().count == 1)
        _ = book.actions(at: start + MulticastCache.absence)
        #expect(book.suggestions().isEmpty)
    }

    @Test("A daemon that came back looks up what it hears again, and what it does not hear is forgotten soon")
    func `return`() throws {
        let other = MulticastCache.Key(interface: 2, name: "other", domain: "local")
        var book = try book()
        for key in [key, other] { book.appeared(key, at: start) }
        _ = book.actions(at: start)
        book.lookedUp(key, try found(1, "10.0.0.1"), at: start)
        book.lookedUp(other, try found(2, "10.0.0.2"), at: start)
        book.daemonLost(at: start)
        let back = start + .seconds(5)
        book.daemonFound(at: back)
        book.appeared(key, at: back)
        #expect(book.actions(at: back) == [.lookUp(key)])
        #expect(book.suggestions().count == 2)
        _ = book.actions(at: back + MulticastCache.settling)
        #expect(book.suggestions().map(\.id) == [try TestID.make(1)])
    }

    @Test("Few lookups run at once, and a flood of advertisements is cut")
    func bounds() throws {
        var book = try book()
        for number in 0..<1_000 {
            book.appeared(MulticastCache.Key(interface: 1, name: "n\(number)", domain: "local"), at: start)
        }
        var lookups = 0
        var now = start
        while lookups < MulticastCache.maximumEntries {
            let actions = book.actions(at: now)
            #expect(actions.count <= MulticastCache.maximumLookups)
            for case .lookUp(let key) in actions {
                lookups += 1
                book.lookedUp(key, try found(lookups, "10.0.0.1"), at: now)
            }
            now = now + .milliseconds(1)
        }
        #expect(book.actions(at: now).isEmpty)
    }

    @Test("Any order of events leaves a book that can be asked", arguments: 1...10 as ClosedRange<UInt64>)
    func anything(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var book = try book()
        var now = start
        for _ in 0..<2_000 {
            now = now + .milliseconds(Int.random(in: 0...8_000, using: &generator))
            let key = MulticastCache.Key(
                interface: .random(in: 0...2, using: &generator), name: "n\(Int.random(in: 0...9, using: &generator))",
                domain: "local")
            switch Int.random(in: 0..<7, using: &generator) {
            case 0, 1: book.appeared(key, at: now)
            case 2: _ = book.vanished(key)
            case 3:
                book.lookedUp(key, try found(1, port: .random(in: -1...70_000, using: &generator), "10.0.0.1"), at: now)
            case 4: book.daemonLost(at: now)
            case 5: book.daemonFound(at: now)
            default: _ = book.actions(at: now)
            }
            #expect(book.suggestions().count <= 30)
        }
    }
}
