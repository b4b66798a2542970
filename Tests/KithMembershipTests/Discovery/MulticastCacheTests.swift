// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithMembership

@Suite("Multicast book")
struct MulticastCacheTests {
    private let start = MonotonicInstant.zero
    private let key = MulticastCache.Key(interface: 2, name: "desk ABCDEFG", domain: "local")

    private func cache() throws -> MulticastCache { MulticastCache(ownID: try TestID.make(99)) }

    private func found(_ id: Int = 1, port: Int = 7443, _ addresses: String...) throws -> MulticastCache.Found {
        MulticastCache.Found(
            port: port, text: ServiceText(id: try TestID.make(id), version: "1", protocolVersion: 1),
            addresses: addresses.compactMap { IPAddress($0) })
    }

    @Test("What appears is looked up once, and suggested with all that was found")
    func lookup() throws {
        var cache = try cache()
        cache.appeared(key, at: start)
        cache.appeared(key, at: start)
        #expect(cache.actions(at: start) == [.lookUp(key)])
        #expect(cache.actions(at: start).isEmpty)
        #expect(cache.suggestions().isEmpty)
        cache.lookedUp(key, try found(1, "fe80::2%eth0", "fd00::2", "192.168.1.2"), at: start)
        #expect(
            cache.suggestions().map(\.address.description) == [
                "192.168.1.2:7443", "[fd00::2]:7443", "[fe80::2%eth0]:7443",
            ])
        #expect(cache.suggestions().first?.name?.rawValue == "desk")
        #expect(cache.suggestions().first?.id == (try TestID.make(1)))
    }

    @Test("What both IPv4 and IPv6 hear is gone when both have lost it")
    func sightings() throws {
        var cache = try cache()
        cache.appeared(key, at: start)
        cache.appeared(key, at: start)
        _ = cache.actions(at: start)
        #expect(cache.vanished(key) == nil)
        cache.lookedUp(key, try found(1, "10.0.0.1"), at: start)
        #expect(cache.suggestions().count == 1)
        #expect(cache.vanished(key) == nil)
        #expect(cache.suggestions().isEmpty)
    }

    @Test("A lookup is stopped when what it is for is gone, and when it takes too long")
    func stopping() throws {
        var cache = try cache()
        cache.appeared(key, at: start)
        _ = cache.actions(at: start)
        #expect(cache.nextDeadline() == start + MulticastCache.lookupLimit)
        #expect(cache.actions(at: start + MulticastCache.lookupLimit) == [.stop(key)])
        #expect(cache.actions(at: start + MulticastCache.lookupLimit + MulticastCache.retry) == [.lookUp(key)])
        #expect(cache.vanished(key) == .stop(key))
    }

    @Test("What is known is looked up again in time, and stays when that finds nothing")
    func refreshing() throws {
        var cache = try cache()
        cache.appeared(key, at: start)
        _ = cache.actions(at: start)
        cache.lookedUp(key, try found(1, "10.0.0.1"), at: start)
        let later = start + MulticastCache.refresh
        #expect(cache.actions(at: later) == [.lookUp(key)])
        cache.lookedUp(key, nil, at: later)
        #expect(cache.suggestions().count == 1)
    }

    @Test("What nobody can look up any more is given up, and is back when somebody can")
    func failing() throws {
        var cache = try cache()
        cache.appeared(key, at: start)
        _ = cache.actions(at: start)
        cache.lookedUp(key, try found(1, "10.0.0.1"), at: start)
        for number in 1...MulticastCache.maximumFailures {
            #expect(cache.suggestions().count == 1, "before failure \(number)")
            cache.lookedUp(key, nil, at: start)
        }
        #expect(cache.suggestions().isEmpty)
        cache.lookedUp(key, try found(1, "10.0.0.1"), at: start)
        #expect(cache.suggestions().count == 1)
    }

    @Test("While all lookups are taken, nothing is due before one of them ends")
    func busy() throws {
        var cache = try cache()
        for number in 0..<20 {
            cache.appeared(MulticastCache.Key(interface: 1, name: "n\(number)", domain: "local"), at: start)
        }
        #expect(cache.nextDeadline() == start)
        #expect(cache.actions(at: start).count == MulticastCache.maximumLookups)
        #expect(cache.nextDeadline() == start + MulticastCache.lookupLimit)
    }

    @Test("This node's own advertisement is not suggested")
    func own() throws {
        var cache = try cache()
        cache.appeared(key, at: start)
        _ = cache.actions(at: start)
        cache.lookedUp(key, try found(99, "10.0.0.1"), at: start)
        #expect(cache.suggestions().isEmpty)
    }

    @Test("While the daemon is away, what was found stays, and then goes")
    func absence() throws {
        var cache = try cache()
        cache.appeared(key, at: start)
        _ = cache.actions(at: start)
        cache.lookedUp(key, try found(1, "10.0.0.1"), at: start)
        cache.daemonLost(at: start)
        cache.daemonLost(at: start + .seconds(60))
        #expect(cache.actions(at: start + .seconds(100)).isEmpty)
        #expect(cache.suggestions().count == 1)
        _ = cache.actions(at: start + MulticastCache.absence)
        #expect(cache.suggestions().isEmpty)
    }

    @Test("A daemon that came back looks up what it hears again, and what it does not hear is forgotten soon")
    func `return`() throws {
        let other = MulticastCache.Key(interface: 2, name: "other", domain: "local")
        var cache = try cache()
        for key in [key, other] { cache.appeared(key, at: start) }
        _ = cache.actions(at: start)
        cache.lookedUp(key, try found(1, "10.0.0.1"), at: start)
        cache.lookedUp(other, try found(2, "10.0.0.2"), at: start)
        cache.daemonLost(at: start)
        let back = start + .seconds(5)
        cache.daemonFound(at: back)
        cache.appeared(key, at: back)
        #expect(cache.actions(at: back) == [.lookUp(key)])
        #expect(cache.suggestions().count == 2)
        _ = cache.actions(at: back + MulticastCache.settling)
        #expect(cache.suggestions().map(\.id) == [try TestID.make(1)])
    }

    @Test("Few lookups run at once, and a flood of advertisements is cut")
    func bounds() throws {
        var cache = try cache()
        for number in 0..<1_000 {
            cache.appeared(MulticastCache.Key(interface: 1, name: "n\(number)", domain: "local"), at: start)
        }
        var lookups = 0
        var now = start
        while lookups < MulticastCache.maximumEntries {
            let actions = cache.actions(at: now)
            #expect(actions.count <= MulticastCache.maximumLookups)
            for case .lookUp(let key) in actions {
                lookups += 1
                cache.lookedUp(key, try found(lookups, "10.0.0.1"), at: now)
            }
            now = now + .milliseconds(1)
        }
        #expect(cache.actions(at: now).isEmpty)
    }

    @Test("Any order of events leaves a book that can be asked", arguments: 1...10 as ClosedRange<UInt64>)
    func anything(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var cache = try cache()
        var now = start
        for _ in 0..<2_000 {
            now = now + .milliseconds(Int.random(in: 0...8_000, using: &generator))
            let key = MulticastCache.Key(
                interface: .random(in: 0...2, using: &generator), name: "n\(Int.random(in: 0...9, using: &generator))",
                domain: "local")
            switch Int.random(in: 0..<7, using: &generator) {
            case 0, 1: cache.appeared(key, at: now)
            case 2: _ = cache.vanished(key)
            case 3:
                cache.lookedUp(
                    key, try found(1, port: .random(in: -1...70_000, using: &generator), "10.0.0.1"), at: now)
            case 4: cache.daemonLost(at: now)
            case 5: cache.daemonFound(at: now)
            default: _ = cache.actions(at: now)
            }
            #expect(cache.suggestions().count <= 30)
        }
    }
}
