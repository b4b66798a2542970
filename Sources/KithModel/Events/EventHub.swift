// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whose right a follower of events has; each kind has places of its own, so that none can take all.
package enum EventParty: Hashable, Sendable {
    /// A program or page on this machine, without a key.
    case keyless
    case owner
    /// The holder of the key with this id.
    case key(String)
}

/// Passes events on to their followers. Publishing never waits: all followers read from one bounded log, and one that is
/// too slow, or that was away for too long, is told that it missed some.
package final class EventHub: Sendable {
    /// Followers without a key, and those with any key.
    package static let followerLimit = 256
    /// Followers with one and the same key, and those of the owner.
    package static let ownLimit = 64
    /// How long events are made for a follower that may come back.
    package static let patience = Duration.seconds(120)

    fileprivate struct Follower {
        let kinds: Set<NodeEvent.Kind>
        let party: EventParty
        /// The number of the last event that it has.
        var last: UInt64
        /// Whether it has to be told of a gap before anything else.
        var isBroken: Bool
        let news: AsyncStream<Void>.Continuation
    }

    /// That events of one kind are made.
    fileprivate struct Interest {
        /// The number from which on all of them are in the log.
        let from: UInt64
        var followers = 0
        /// When the last follower left.
        var left: MonotonicInstant?

        func lasts(at now: MonotonicInstant) -> Bool { followers > 0 || left.map { now < $0 + patience } ?? false }
    }

    fileprivate struct State {
        var log: EventLog
        var followers: [UInt64: Follower] = [:]
        var next: UInt64 = 0
        var interests: [NodeEvent.Kind: Interest] = [:]
    }

    private let run: UInt64
    private let clock: any TimeSource
    private let state: Mutex<State>

    package convenience init(clock: any TimeSource = MonotonicClock()) {
        self.init(clock: clock, log: EventLog())
    }

    init(clock: any TimeSource, log: EventLog) {
        var generator = SystemRandomNumberGenerator()
        run = generator.next()
        self.clock = clock
        state = Mutex(State(log: log))
    }

    package func publish(_ event: NodeEvent) {
        let now = clock.now
        let news = state.withLock { state -> [AsyncStream<Void>.Continuation] in
            guard let interest = state.interests[event.kind], interest.lasts(at: now) else { return [] }
            state.log.append(event)
            return state.followers.values.filter { $0.kinds.contains(event.kind) }.map(\.news)
        }
        for one in news { one.yield() }
    }

    /// Whether anybody follows events of this kind, or did lately and may come back; for events that are costly to make.
    package func hasFollowers(of kind: NodeEvent.Kind) -> Bool {
        let now = clock.now
        return state.withLock { $0.interests[kind]?.lasts(at: now) ?? false }
    }

    package var followerCount: Int { state.withLock { $0.followers.count } }

    /// - Parameter position: Where the follower was before; `nil` for one that wants to know what happens from now on.
    /// - Returns: `nil` when there are too many followers.
    package func follow(
        _ kinds: Set<NodeEvent.Kind> = Set(NodeEvent.Kind.allCases), after position: EventPosition? = nil,
        as party: EventParty = .keyless
    ) -> EventFollower? {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let now = clock.now
        let number = state.withLock { state -> UInt64? in
            guard state.hasRoom(for: party) else { return nil }
            state.begin(kinds, now: now)
            let isKnown = position.map { state.isWhole(after: $0, run: run, kinds) } ?? true
            state.next += 1
            state.followers[state.next] = Follower(
                kinds: kinds, party: party, last: position.flatMap { isKnown ? $0.number : nil } ?? state.log.last,
                isBroken: !isKnown, news: continuation)
            return state.next
        }
        guard let number else { return nil }
        if position != nil { continuation.yield() }
        return EventFollower(hub: self, number: number, news: stream)
    }

    /// Ends all following, so that a node can stop.
    package func finish() {
        for follower in state.withLock({ Array($0.followers.values) }) { follower.news.finish() }
    }

    fileprivate func take(_ number: UInt64, limit: Int) -> [FollowedEvent] {
        state.withLock { state in
            guard var follower = state.followers[number] else { return [] }
            let reading = state.log.read(after: follower.last, kinds: follower.kinds, limit: limit)
            var taken = reading.events.map {
                FollowedEvent.event($0.event, EventPosition(run: run, number: $0.number))
            }
            if reading.isBroken || follower.isBroken {
                let place = reading.events.first.map { $0.number - 1 } ?? reading.last
                taken.insert(.gap(EventPosition(run: run, number: place)), at: 0)
            }
            follower.last = reading.last
            follower.isBroken = false
            state.followers[number] = follower
            return taken
        }
    }

    fileprivate func position(of number: UInt64) -> EventPosition {
        EventPosition(run: run, number: state.withLock { $0.followers[number]?.last ?? $0.log.last })
    }

    fileprivate func leave(_ number: UInt64) {
        let now = clock.now
        state.withLock { state in
            guard let follower = state.followers.removeValue(forKey: number) else { return }
            for kind in follower.kinds {
                state.interests[kind]?.followers -= 1
                if state.interests[kind]?.followers == 0 { state.interests[kind]?.left = now }
            }
        }
    }
}

extension EventHub.State {
    fileprivate func hasRoom(for party: EventParty) -> Bool {
        let parties = followers.values.lazy.map(\.party)
        switch party {
        case .keyless: return parties.count { $0 == .keyless } < EventHub.followerLimit
        case .owner: return parties.count { $0 == .owner } < EventHub.ownLimit
        case .key:
            return parties.count { $0 == party } < EventHub.ownLimit
                && parties.count { $0 != .owner && $0 != .keyless } < EventHub.followerLimit
        }
    }

    /// Events of these kinds are made from now on, if they were not before.
    fileprivate mutating func begin(_ kinds: Set<NodeEvent.Kind>, now: MonotonicInstant) {
        let isNew = kinds.filter { interests[$0]?.lasts(at: now) != true }
        if !isNew.isEmpty { log.mark() }
        for kind in kinds {
            var interest = isNew.contains(kind) ? EventHub.Interest(from: log.last) : interests[kind]
            interest?.followers += 1
            interest?.left = nil
            interests[kind] = interest
        }
    }

    /// Whether all that happened after the position was put in the log; some of it may have been forgotten since.
    fileprivate func isWhole(after position: EventPosition, run: UInt64, _ kinds: Set<NodeEvent.Kind>) -> Bool {
        position.run == run && position.number <= log.last
            && kinds.allSatisfy { interests[$0].map { $0.from <= position.number } ?? false }
    }
}

/// The events that one follower gets, until it is released or the node stops.
package final class EventFollower: AsyncSequence, Sendable {
    /// Events that are read from the log at a time.
    private static let batch = 64

    private let hub: EventHub
    private let number: UInt64
    /// Something may have happened; ends when the node stops.
    package let news: AsyncStream<Void>

    fileprivate init(hub: EventHub, number: UInt64, news: AsyncStream<Void>) {
        self.hub = hub
        self.number = number
        self.news = news
    }

    deinit { hub.leave(number) }

    /// The place up to which this follower has read.
    package var position: EventPosition { hub.position(of: number) }

    /// The next of those that have happened; empty when there are none.
    package func take() -> [FollowedEvent] { hub.take(number, limit: Self.batch) }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let follower: EventFollower
        fileprivate var news: AsyncStream<Void>.Iterator
        fileprivate var ready: [FollowedEvent] = []
        fileprivate var hasEnded = false

        package mutating func next(isolation actor: isolated (any Actor)?) async -> FollowedEvent? {
            while ready.isEmpty {
                ready = follower.take()
                if !ready.isEmpty { break }
                if hasEnded { return nil }
                hasEnded = await news.next(isolation: actor) == nil
            }
            return ready.removeFirst()
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(follower: self, news: news.makeAsyncIterator())
    }
}
