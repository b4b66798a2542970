// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import Synchronization
import Testing

@Suite("Membership as a service", .timeLimit(.minutes(1)))
struct MembershipServiceTests {
    private let clock = ManualClock()
    private let board = Switchboard()
    private let one = NodeID.numbered(1)
    private let two = NodeID.numbered(2)

    /// Two services that know of each other, while they run.
    private func withPair(_ body: (MembershipService, MembershipService, Task<Void, Never>) async throws -> Void)
        async rethrows
    {
        let services = (board.service(1, clock: clock), board.service(2, clock: clock))
        services.0.setTrusted([two])
        services.1.setTrusted([one])
        let tasks = [services.0, services.1].map { service in Task { await service.run() } }
        await clock.run { services.0.member(two)?.state == .alive && services.1.member(one)?.state == .alive }
        try await body(services.0, services.1, tasks[1])
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    @Test("Services meet, and learn what the other declares")
    func meet() async throws {
        try await withPair { first, second, _ in
            #expect(first.member(two)?.state == .alive)
            #expect(second.setPayload([1, 2, 3]))
            second.setAddresses([try #require(PeerAddress("10.1.1.1:7443"))])
            await clock.run { first.member(two)?.addresses.count == 1 && first.member(two)?.payload == [1, 2, 3] }
            #expect(first.member(two)?.payload == [1, 2, 3])
            #expect(first.addresses(of: two).map(\.description) == ["10.1.1.1:7443"])
            #expect(first.member(two)?.roundTrip != nil)
        }
    }

    @Test("A service that is cancelled says goodbye before it returns")
    func goodbye() async {
        await withPair { first, _, task in
            task.cancel()
            await task.value
            #expect(first.member(two)?.state == .left)
        }
    }

    @Test("One that nobody reaches dies, and lives when it is back")
    func deathAndReturn() async {
        await withPair { first, second, _ in
            board.state.withLock { _ = $0.absent.insert(two) }
            first.connectionLost(two)
            await clock.run { first.member(two)?.state == .dead && second.member(one)?.state == .dead }
            #expect(first.member(two)?.state == .dead)
            #expect(first.member(two)?.lastFailure == .refused)
            board.state.withLock { _ = $0.absent.remove(two) }
            await clock.run { first.member(two)?.state == .alive && second.member(one)?.state == .alive }
            #expect(first.member(two)?.state == .alive)
            #expect(second.member(one)?.state == .alive)
        }
    }

    @Test("An answer that cannot be read is a sign of life")
    func unreadable() async {
        await withPair { first, _, _ in
            board.state.withLock { $0.forged[two] = [1, 2, 3] }
            let start = clock.now
            await clock.run { clock.now - start > .seconds(20) }
            #expect(first.member(two)?.state == .alive)
        }
    }

    @Test("Bytes that are no packet are refused")
    func malformed() {
        let service = board.service(1, clock: clock)
        service.setTrusted([two])
        #expect(throws: GossipPacketError.notGossip) { try service.receive([1, 2, 3], from: two) }
    }

    @Test("A stranger's packet is not answered")
    func stranger() throws {
        let service = board.service(1, clock: clock)
        let header = GossipPacket.Header(instance: .numbered(9), incarnation: .first)
        let ping = GossipPacket(header: header, messages: [.ping(SequenceNumber(number: 1))])
        #expect(try service.receive(ping.encoded(), from: .numbered(9)) == nil)
    }

    @Test("No more than two exchanges wait for one member")
    func bounded() async {
        let transport = DeafTransport(clock: clock)
        let membership = Membership(
            id: one, instance: .numbered(1), now: clock.now, generator: SeededGenerator(seed: 1))
        let service = MembershipService(membership: membership, transport: transport, clock: clock)
        service.setTrusted([two, .numbered(3)])
        let task = Task { await service.run() }
        await clock.run { clock.now > .seconds(10) }
        #expect(transport.waiting.withLock { $0 } == [two: 2, .numbered(3): 2])
        task.cancel()
        await task.value
        #expect(transport.waiting.withLock { $0.values.allSatisfy { $0 == 0 } })
    }

    @Test("Suggested addresses are tried first, the latest before the others, and only so many are kept")
    func suggestions() async throws {
        try await withPair { first, second, _ in
            second.setAddresses([try #require(PeerAddress("10.9.9.9:1"))])
            for number in 1...20 {
                first.suggest(addresses: [try #require(PeerAddress("10.0.0.\(number):7443"))], for: two)
            }
            await clock.run { first.addresses(of: two).count == 9 }
            let known = first.addresses(of: two).map(\.description)
            #expect(known == (13...20).reversed().map { "10.0.0.\($0):7443" } + ["10.9.9.9:1"])
            await clock.run { board.state.withLock { $0.addressesTried[two]?.count } == 9 }
            #expect(board.state.withLock { $0.addressesTried[two] } == first.addresses(of: two))
        }
    }

    @Test("A machine that slept asks everybody when it wakes, also those who were heard just now")
    func sleep() async {
        let asleep = Mutex(Duration.zero)
        let first = board.service(1, clock: clock, asleep: { asleep.withLock { $0 } })
        let second = board.service(2, clock: clock)
        first.setTrusted([two])
        second.setTrusted([one])
        let task = Task { await first.run() }
        /// How often the other was asked while its tokens arrived all the time.
        func exchanges(in duration: Duration) async -> Int {
            let (start, before) = (clock.now, board.state.withLock { $0.exchanges })
            await clock.run {
                first.contact(two)
                return clock.now - start >= duration
            }
            return board.state.withLock { $0.exchanges } - before
        }
        await clock.run { first.member(two)?.state == .alive }
        _ = await exchanges(in: .seconds(5))
        #expect(await exchanges(in: .seconds(5)) == 0)
        asleep.withLock { $0 = .seconds(600) }
        #expect(await exchanges(in: .seconds(2)) > 0)
        task.cancel()
        await task.value
    }

    @Test("Notices tell of who came and went")
    func notices() async {
        let notices = Mutex<[MembershipNotice]>([])
        let first = board.service(1, clock: clock, notify: { notice in notices.withLock { $0.append(notice) } })
        let second = board.service(2, clock: clock)
        first.setTrusted([two])
        second.setTrusted([one])
        let task = Task { await first.run() }
        await clock.run { first.member(two)?.state == .alive }
        first.setTrusted([])
        #expect(
            notices.withLock { $0 }.filter { $0 != .changed(MemberEvent(id: two, kind: .addressesChanged)) } == [
                .changed(MemberEvent(id: two, kind: .appeared)), .changed(MemberEvent(id: two, kind: .removed)),
            ])
        task.cancel()
        await task.value
    }
}
