// SPDX-License-Identifier: Apache-2.0

import KithTesting
import Testing
@testable import KithModel

@Suite("Following events")
struct EventHubTests {
    private func event(_ number: Int, _ kind: NodeEvent.Kind = .level) -> NodeEvent {
        NodeEvent(kind, at: WallTime(milliseconds: 0), ["number": .integer(Int64(number))])
    }

    private func number(_ followed: FollowedEvent) -> Int? { followed.event?.fields["number"]?.intValue }

    @Test("A follower that loses its connection anywhere has each event once, or is told of a gap")
    func resumes() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let clock = ManualClock()
            let hub = EventHub(clock: clock, log: EventLog(countLimit: Int.random(in: 1...30, using: &generator)))
            var follower = try #require(hub.follow())
            var position = follower.position
            var (published, expected) = (0, 0)
            for _ in 0..<150 {
                switch Int.random(in: 0..<6, using: &generator) {
                case 0, 1, 2:
                    hub.publish(event(published))
                    published += 1
                case 3:
                    clock.advance(by: .seconds(Int.random(in: 0..<60, using: &generator)))
                case 4:  // the client reads some of what was sent, and the connection ends
                    let taken = follower.take()
                    for one in taken.prefix(Int.random(in: 0...taken.count, using: &generator)) {
                        position = self.position(one)
                        expected = next(after: one, expected, seed)
                    }
                    follower = try #require(hub.follow(after: position))
                default:
                    for one in follower.take() {
                        position = self.position(one)
                        expected = next(after: one, expected, seed)
                    }
                }
            }
            for one in follower.take() { expected = next(after: one, expected, seed) }
            #expect(expected == published || expected == -1, "seed \(seed)")
        }
    }

    private func position(_ followed: FollowedEvent) -> EventPosition {
        switch followed {
        case .event(_, let position), .gap(let position): position
        }
    }

    /// - Returns: The number that the next event must have; -1 for any after a gap.
    private func next(after one: FollowedEvent, _ expected: Int, _ seed: UInt64) -> Int {
        guard let number = number(one) else { return -1 }
        #expect(expected == -1 || number == expected, "seed \(seed)")
        return number + 1
    }

    @Test("A slow follower is told that it missed some, and gets the newest; others miss nothing")
    func slow() throws {
        let hub = EventHub(clock: ManualClock(), log: EventLog(countLimit: 8))
        let (slow, quick) = (try #require(hub.follow()), try #require(hub.follow()))
        var seen: [Int?] = []
        for number in 0..<100 {
            hub.publish(event(number))
            seen += quick.take().map { self.number($0) }
        }
        #expect(seen == Array(0..<100))
        let taken = slow.take()
        #expect(taken.first?.event == nil)
        #expect(taken.dropFirst().map { number($0) } == Array(92..<100))
        #expect(slow.take().isEmpty)
    }

    @Test("Events are made while somebody follows and for two minutes after, for whoever comes back")
    func patience() throws {
        let clock = ManualClock()
        let hub = EventHub(clock: clock)
        #expect(!hub.hasFollowers(of: .level))
        var follower = hub.follow([.level])
        let position = try #require(follower).position
        follower = nil
        clock.advance(by: .seconds(119))
        #expect(hub.hasFollowers(of: .level))
        #expect(!hub.hasFollowers(of: .route))
        hub.publish(event(1))
        follower = hub.follow([.level], after: position)
        #expect(follower?.take().map { number($0) } == [1])
        follower = nil
        clock.advance(by: .seconds(120))
        #expect(!hub.hasFollowers(of: .level))
        follower = hub.follow([.level], after: position)
        #expect(follower?.take().map(\.event) == [nil])
    }

    @Test("Whoever comes back for a kind that nobody followed meanwhile is told of the gap")
    func otherKinds() throws {
        let clock = ManualClock()
        let hub = EventHub(clock: clock)
        let levels = try #require(hub.follow([.level]))
        var all = hub.follow()
        let position = try #require(all).position
        all = nil
        clock.advance(by: EventHub.patience)
        hub.publish(event(1, .route))
        #expect(hub.follow([.level], after: position)?.take().isEmpty == true)
        #expect(hub.follow(after: position)?.take().map(\.event) == [nil])
        withExtendedLifetime(levels) {}
    }

    @Test("A place of another run, of the future, or that is none, is a gap")
    func unknown() throws {
        let (hub, other) = (EventHub(clock: ManualClock()), EventHub(clock: ManualClock()))
        let own = try #require(hub.follow())
        let foreign = try #require(other.follow()).position
        for position in [foreign, .unknown, EventPosition(run: own.position.run, number: own.position.number + 1)] {
            #expect(hub.follow(after: position)?.take().map(\.event) == [nil])
        }
        #expect(EventPosition("\(own.position)") == own.position)
        for text in ["", "-", "1", "1-", "-1", "x-1", "1-2-3", "1--2", String(repeating: "1", count: 50) + "-1"] {
            #expect(EventPosition(text) == nil, "\(text)")
        }
    }

    @Test("Those without a key take no place of others, and one key not all places of keys")
    func places() {
        let hub = EventHub(clock: ManualClock())
        var followers = (0..<EventHub.followerLimit).compactMap { _ in hub.follow() }
        #expect(followers.count == EventHub.followerLimit)
        #expect(hub.follow() == nil)
        for key in 0..<EventHub.followerLimit / EventHub.ownLimit {
            let own = (0..<EventHub.ownLimit + 1).compactMap { _ in hub.follow(as: .key("\(key)")) }
            #expect(own.count == EventHub.ownLimit)
            followers += own
        }
        #expect(hub.follow(as: .key("another")) == nil)
        #expect(hub.follow(as: .owner) != nil)
    }

    @Test("Bytes are bounded too, and one large event is still passed on")
    func bytes() {
        var log = EventLog(countLimit: 100, byteLimit: 1_000)
        for number in 0..<50 {
            log.append(NodeEvent(.level, ["text": .string(String(repeating: "x", count: 100 + number))]))
        }
        #expect(log.count < 10)
        log.append(NodeEvent(.level, ["text": .string(String(repeating: "x", count: 5_000))]))
        #expect(log.count == 1)
        #expect(log.read(after: log.last - 1, kinds: [.level], limit: 9).events.count == 1)
    }

    @Test("Whoever waits gets what is left when the node stops")
    func finish() async throws {
        let hub = EventHub(clock: ManualClock())
        let follower = try #require(hub.follow())
        hub.publish(event(1))
        hub.finish()
        var seen: [Int?] = []
        for await one in follower { seen.append(number(one)) }
        #expect(seen == [1])
    }
}
