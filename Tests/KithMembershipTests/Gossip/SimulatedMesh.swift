// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting

/// Nodes and the network between them on virtual time; the same seed gives the same run.
struct SimulatedMesh {
    struct Node {
        var value: Membership
        /// `nil` while the process is not running.
        var life: Int?
        var pausedUntil = MonotonicInstant.zero
        /// How far the node's clock is ahead of the mesh's time.
        var offset = Duration.zero
        /// How much longer than the network it takes to handle a packet.
        var sluggishness = Duration.zero
        var tickAt: MonotonicInstant?
        /// Exchanges that are under way to each other node, as the shell bounds them.
        var inFlight: [Int: Int] = [:]
        var channels: Set<Int> = []
    }

    struct Exchange {
        var from: Int
        var to: Int
        /// The life of the process that began it.
        var life: Int
        var startedAt: MonotonicInstant
    }

    enum Event: Sendable {
        case tick(Int)
        case request(UInt64, GossipPacket)
        case response(UInt64, GossipPacket?)
        case failure(UInt64, GossipError)
        case channelBroke(Int, to: Int)
    }

    struct Noted {
        var at: MonotonicInstant
        var observer: Int
        var subject: Int
        var kind: MemberEvent.Kind
    }

    let settings: MembershipSettings
    private(set) var nodes: [Node] = []
    private(set) var now = MonotonicInstant.zero
    private(set) var noted: [Noted] = []
    private(set) var sightings: [(observer: Int, CloneSighting)] = []
    private(set) var messages = 0
    private(set) var bytes = 0

    /// The part of packets that is lost, each way.
    var loss = 0.0
    var latency: ClosedRange<Double> = 0.0002...0.003
    /// Whether a packet can go from one node to another.
    var isOpen: @Sendable (Int, Int) -> Bool = { _, _ in true }
    var reportsBrokenChannels = true
    var countsBytes = false

    private var indices: [NodeID: Int] = [:]
    private var events = DeadlineQueue<Event>()
    private var exchanges: [UInt64: Exchange] = [:]
    private var lastExchange: UInt64 = 0
    private var lives = 0
    private var generator: SeededGenerator

    init(count: Int, seed: UInt64, settings: MembershipSettings = .lan, startsTogether: Bool = true) {
        self.settings = settings
        generator = SeededGenerator(seed: seed)
        for index in 0..<count {
            indices[.numbered(index)] = index
            nodes.append(Node(value: value(of: index, life: 0)))
        }
        if startsTogether { for index in 0..<count { start(index) } }
    }

    private mutating func value(of index: Int, life: Int) -> Membership {
        Membership(
            id: .numbered(index), instance: .numbered(life), settings: settings,
            payload: Array("load of \(index)".utf8), addresses: PeerAddress("10.0.0.\(index):7443").map { [$0] } ?? [],
            now: now, generator: SeededGenerator(seed: generator.next()))
    }

    // MARK: What befalls nodes

    mutating func start(_ index: Int) {
        lives += 1
        nodes[index].offset = .zero
        nodes[index].value = value(of: index, life: lives)
        nodes[index].life = lives
        nodes[index].inFlight = [:]
        let trusted = Set(indices.keys)
        call(index) { $0.setTrusted(trusted, now: $1) }
    }

    mutating func kill(_ index: Int) {
        nodes[index].life = nil
        nodes[index].tickAt = nil
        for other in nodes[index].channels {
            nodes[other].channels.remove(index)
            if reportsBrokenChannels, isOpen(index, other) {
                events.add(.channelBroke(other, to: index), at: now + .milliseconds(1))
            }
        }
        nodes[index].channels = []
    }

    mutating func pause(_ index: Int, for duration: Duration) { nodes[index].pausedUntil = now + duration }

    /// The node's clock goes on by itself, as if the mesh had stood still meanwhile.
    mutating func jump(_ index: Int, by duration: Duration) { nodes[index].offset += duration }

    mutating func slow(_ index: Int, by delay: Duration) { nodes[index].sluggishness = delay }

    mutating func call(_ index: Int, _ event: (inout Membership, MonotonicInstant) -> [MembershipAction]) {
        guard nodes[index].life != nil else { return }
        let actions = event(&nodes[index].value, now + nodes[index].offset)
        _ = perform(actions, of: index)
        scheduleTick(of: index)
    }

    // MARK: Running

    mutating func run(for duration: Duration) { run(for: duration, until: { _ in false }) }

    /// - Returns: Whether the condition came true in time.
    @discardableResult
    mutating func run(for duration: Duration, until isReached: (SimulatedMesh) -> Bool) -> Bool {
        let end = now + duration
        while let next = events.earliest, next <= end {
            guard let (at, event) = events.popDue(next) else { break }
            now = max(now, at)
            handle(event)
            if isReached(self) { return true }
        }
        now = end
        return isReached(self)
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .tick(let index):
            guard nodes[index].tickAt == now || isPaused(index) else { return }
            if putOff(event, until: nodes[index].pausedUntil) { return }
            nodes[index].tickAt = nil
            call(index) { $0.tick(now: $1) }
        case .request(let number, let packet): deliver(packet, of: number, event)
        case .response(let number, let packet): respond(packet, of: number, event)
        case .failure(let number, let failure):
            guard let exchange = exchanges[number] else { return }
            if putOff(event, until: nodes[exchange.from].pausedUntil) { return }
            close(number)
            guard nodes[exchange.from].life == exchange.life else { return }
            call(exchange.from) { $0.sendFailed(to: .numbered(exchange.to), failure, now: $1) }
        case .channelBroke(let index, let other):
            if putOff(event, until: nodes[index].pausedUntil) { return }
            call(index) { $0.connectionLost(to: .numbered(other), now: $1) }
        }
    }

    private func isPaused(_ index: Int) -> Bool { nodes[index].pausedUntil > now }

    private mutating func putOff(_ event: Event, until moment: MonotonicInstant) -> Bool {
        guard moment > now else { return false }
        events.add(event, at: moment)
        if case .tick(let index) = event { nodes[index].tickAt = moment }
        return true
    }

    private mutating func deliver(_ packet: GossipPacket, of number: UInt64, _ event: Event) {
        guard let exchange = exchanges[number] else { return }
        if putOff(event, until: nodes[exchange.to].pausedUntil) { return }
        guard nodes[exchange.to].life != nil else {
            events.add(.failure(number, .refused), at: now + delay())
            return
        }
        let local = now + nodes[exchange.to].offset
        let actions = nodes[exchange.to].value.received(
            packet, from: .numbered(exchange.from), as: .request, now: local)
        let reply = perform(actions, of: exchange.to)
        scheduleTick(of: exchange.to)
        if let reply { count(reply) }
        if passes(from: exchange.to, to: exchange.from) {
            events.add(.response(number, reply), at: now + delay() + nodes[exchange.to].sluggishness)
        }
    }

    private mutating func respond(_ packet: GossipPacket?, of number: UInt64, _ event: Event) {
        guard let exchange = exchanges[number] else { return }
        if putOff(event, until: nodes[exchange.from].pausedUntil) { return }
        close(number)
        guard nodes[exchange.from].life == exchange.life else { return }
        if nodes[exchange.to].life != nil {
            nodes[exchange.from].channels.insert(exchange.to)
            nodes[exchange.to].channels.insert(exchange.from)
        }
        nodes[exchange.from].value.measured(now - exchange.startedAt, with: .numbered(exchange.to))
        call(exchange.from) { value, now in
            packet.map { value.received($0, from: .numbered(exchange.to), as: .response, now: now) }
                ?? value.contact(from: .numbered(exchange.to), now: now)
        }
    }

    private mutating func close(_ number: UInt64) {
        guard let exchange = exchanges.removeValue(forKey: number),
            nodes[exchange.from].life == exchange.life
        else { return }
        nodes[exchange.from].inFlight[exchange.to, default: 1] -= 1
    }

    private mutating func perform(_ actions: [MembershipAction], of index: Int) -> GossipPacket? {
        var reply: GossipPacket?
        for action in actions {
            switch action {
            case .send(let packet, let id, let timeout): send(packet, from: index, to: id, timeout: timeout)
            case .reply(let packet): reply = packet
            case .changed(let event):
                noted.append(Noted(at: now, observer: index, subject: indices[event.id] ?? -1, kind: event.kind))
            case .cloned(let sighting): sightings.append((index, sighting))
            }
        }
        return reply
    }

    private mutating func send(_ packet: GossipPacket, from: Int, to id: NodeID, timeout: Duration) {
        guard let to = indices[id], let life = nodes[from].life, nodes[from].inFlight[to, default: 0] < 2 else {
            return
        }
        nodes[from].inFlight[to, default: 0] += 1
        lastExchange += 1
        exchanges[lastExchange] = Exchange(from: from, to: to, life: life, startedAt: now)
        count(packet)
        events.add(.failure(lastExchange, .timeout), at: now + timeout)
        if passes(from: from, to: to) {
            events.add(.request(lastExchange, packet), at: now + delay() + nodes[to].sluggishness)
        }
    }

    private mutating func count(_ packet: GossipPacket) {
        messages += 1
        if countsBytes { bytes += packet.encoded().count }
    }

    mutating func resetCounts() {
        messages = 0
        bytes = 0
    }

    private mutating func passes(from: Int, to: Int) -> Bool {
        isOpen(from, to) && (loss == 0 || Double.random(in: 0..<1, using: &generator) >= loss)
    }

    private mutating func delay() -> Duration { .seconds(Double.random(in: latency, using: &generator)) }

    private mutating func scheduleTick(of index: Int) {
        let wanted = max(nodes[index].value.nextWakeUp.advanced(by: .zero - nodes[index].offset), now)
        if let planned = nodes[index].tickAt, planned <= wanted { return }
        nodes[index].tickAt = wanted
        events.add(.tick(index), at: wanted)
    }

    // MARK: Looking

    var running: [Int] { nodes.indices.filter { nodes[$0].life != nil } }

    func state(of subject: Int, at observer: Int) -> MemberState? {
        nodes[observer].value.member(.numbered(subject))?.state
    }

    func payload(of subject: Int, at observer: Int) -> [UInt8]? {
        nodes[observer].value.member(.numbered(subject))?.payload
    }

    /// What running nodes hold wrongly of others.
    var disagreements: [(observer: Int, subject: Int, MemberState?)] {
        var found: [(observer: Int, subject: Int, MemberState?)] = []
        for observer in running {
            for subject in nodes.indices where subject != observer {
                let member = nodes[observer].value.member(.numbered(subject))
                let isRight =
                    nodes[subject].life.map { member?.state == .alive && member?.instance == .numbered($0) }
                    ?? (member?.state == .dead || member?.state == .left || member?.state == .unknown)
                if !isRight { found.append((observer, subject, member?.state)) }
            }
        }
        return found
    }

    var agrees: Bool { disagreements.isEmpty }

    /// Whether every running node holds one member to be in a state.
    func all(hold subject: Int, toBe state: MemberState) -> Bool {
        running.allSatisfy { $0 == subject || self.state(of: subject, at: $0) == state }
    }

    var deaths: [Noted] { noted.filter { if case .died = $0.kind { true } else { false } } }
}
