// SPDX-License-Identifier: Apache-2.0

import KithAlerts
import KithModel
import KithTesting

/// Kin that share what they say of one alert over a network with delays, and a receiver of their messages.
///
/// Nodes die and come back, in the middle of a message too, and parts of the network cannot hear each other for a while.
struct SimulatedKin {
    /// A message that has come to the receiver.
    struct Receipt {
        var notice: AlertNotice
        var sender: Int
    }

    private enum Event {
        case tick(Int, run: Int)
        case truth(Int, Bool)
        case detect(Int, of: Int)
        case arrive(at: Int, from: Int, run: Int, AlertStatement?, version: Int)
        case exchange(Int, Int)
        case receive(AlertNotice, from: Int, run: Int)
        case acknowledge(AlertNotice, by: Int, run: Int, Bool)
    }

    private struct Member {
        var mesh: MeshAlerts
        var isRunning = true
        var run = 0
        var alive: Set<Int> = []
        /// What it knows of others: the latest statement by writer.
        var known: [Int: (statement: AlertStatement?, version: Int)] = [:]
        var sees = false
    }

    let key: AlertKey
    let ids: [NodeID]
    var speakers: Set<Int>
    /// Which nodes find the condition when it is true.
    var observers: Set<Int>
    /// How long a statement is on its way, at most.
    var longestDelay = Duration.seconds(1)
    /// Whether the receiver takes messages of a node.
    var refuses: Set<Int> = []
    private(set) var receipts: [Receipt] = []
    private(set) var isTrue = false
    private(set) var now = MonotonicInstant.zero
    private var members: [Member] = []
    private var groups: [Int]
    /// The next one last.
    private var queue: [(at: MonotonicInstant, event: Event)] = []
    private var random: SeededGenerator
    private let rules = AlertRules(keep: .seconds(5))

    init(count: Int, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        // Ids whose order is not that of their numbers, so that the speaker is any of them.
        let ids = try (0..<count).map { _ in try TestID.make(Int.random(in: 8..<(1 << 30), using: &random)) }
        self.random = random
        self.ids = ids
        key = AlertKey(.peerDown, try TestID.make(7))
        speakers = Set(0..<count)
        observers = Set(0..<count)
        groups = Array(repeating: 0, count: count)
        for index in 0..<count {
            members.append(Member(mesh: MeshAlerts(own: ids[index], rules: rules, now: now)))
            members[index].alive = Set(0..<count).subtracting([index])
            schedule(.tick(index, run: 0), after: delay(upTo: .milliseconds(500)))
        }
    }

    /// The node that the others expect to speak.
    var speaker: Int? {
        speakers.filter { members[$0].isRunning }.min { ids[$0] < ids[$1] }
    }

    var running: [Int] { members.indices.filter { members[$0].isRunning } }

    /// Different messages that came in, however often each of them did.
    func distinct(_ phase: AlertNotice.Phase) -> Set<String> {
        Set(receipts.filter { $0.notice.phase == phase }.map(\.notice.id))
    }

    /// When the incidents began of which such messages came in.
    func incidents(_ phase: AlertNotice.Phase) -> Set<WallTime> {
        Set(receipts.filter { $0.notice.phase == phase }.map(\.notice.incident))
    }

    // MARK: What happens

    mutating func chance(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    mutating func delay(upTo limit: Duration) -> Duration {
        .milliseconds(Int64.random(in: 1...max(1, Int64(limit.milliseconds)), using: &random))
    }

    mutating func setTrue(_ isTrue: Bool) {
        self.isTrue = isTrue
        for index in members.indices { schedule(.truth(index, isTrue), after: delay(upTo: .seconds(4))) }
    }

    mutating func kill(_ index: Int) {
        members[index].isRunning = false
        members[index].run += 1
        separate(index)
    }

    /// With what it had on disk, and no more.
    mutating func restart(_ index: Int) {
        let own = members[index].known[index]?.statement
        members[index].mesh = MeshAlerts(
            own: ids[index], rules: rules, statements: own.map { [key: $0] } ?? [:], now: now)
        members[index].isRunning = true
        members[index].alive = []
        members[index].sees = !members[index].mesh.unfinished.isEmpty
        schedule(.truth(index, isTrue), after: .seconds(5) + delay(upTo: .seconds(3)))
        schedule(.tick(index, run: members[index].run), after: delay(upTo: .milliseconds(500)))
        meet(index)
    }

    mutating func split(_ group: Set<Int>) {
        for index in members.indices { groups[index] = group.contains(index) ? 1 : 0 }
        for index in members.indices { separate(index) }
    }

    mutating func heal() {
        groups = Array(repeating: 0, count: groups.count)
        for index in members.indices { meet(index) }
    }

    private mutating func separate(_ index: Int) {
        for other in members.indices where other != index && !hear(index, other) {
            schedule(.detect(other, of: index), after: .milliseconds(500) + delay(upTo: .seconds(4)))
            schedule(.detect(index, of: other), after: .milliseconds(500) + delay(upTo: .seconds(4)))
        }
    }

    private mutating func meet(_ index: Int) {
        for other in members.indices where other != index && hear(index, other) {
            let time = delay(upTo: .seconds(1))
            schedule(.detect(other, of: index), after: time)
            schedule(.detect(index, of: other), after: time + delay(upTo: .milliseconds(500)))
            schedule(.exchange(index, other), after: time + delay(upTo: .milliseconds(800)))
        }
    }

    private func hear(_ one: Int, _ other: Int) -> Bool {
        members[one].isRunning && members[other].isRunning && groups[one] == groups[other]
    }

    // MARK: The run

    mutating func run(for duration: Duration) {
        let end = now + duration
        while let next = queue.last, next.at <= end {
            queue.removeLast()
            now = next.at
            handle(next.event)
        }
        now = end
    }

    private mutating func schedule(_ event: Event, after time: Duration) {
        let at = now + time
        var place = queue.count
        while place > 0, queue[place - 1].at <= at { place -= 1 }
        queue.insert((at, event), at: place)
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .tick(let index, let run): if members[index].run == run { tick(index) }
        case .truth(let index, let isTrue):
            if members[index].isRunning, isTrue == self.isTrue {
                members[index].sees = isTrue && observers.contains(index)
            }
        case .detect(let index, let other):
            if hear(index, other) { members[index].alive.insert(other) } else { members[index].alive.remove(other) }
        case .arrive(let index, let writer, let run, let statement, let version):
            // What was on its way is lost with its sender.
            guard members[index].isRunning, members[writer].run == run else { return }
            if version > members[index].known[writer]?.version ?? 0 {
                members[index].known[writer] = (statement, version)
            }
        case .exchange(let one, let other):
            guard hear(one, other) else { return }
            for (writer, entry) in members[one].known where entry.version > members[other].known[writer]?.version ?? 0 {
                members[other].known[writer] = entry
            }
            for (writer, entry) in members[other].known where entry.version > members[one].known[writer]?.version ?? 0 {
                members[one].known[writer] = entry
            }
        case .receive(let notice, let sender, let run):
            if members[sender].run == run, !refuses.contains(sender) {
                receipts.append(Receipt(notice: notice, sender: sender))
            }
        case .acknowledge(let notice, let sender, let run, let isDelivered):
            guard members[sender].run == run else { return }
            perform(members[sender].mesh.delivered(notice, isDelivered, wall: wall), by: sender)
        }
    }

    /// All have the same calendar; what their clocks differ by only changes names.
    private var wall: WallTime { WallTime.epoch.advanced(by: .seconds(1_800_000_000) + (now - .zero)) }

    private mutating func tick(_ index: Int) {
        var entries: [AlertKey: AlertTracker.Entry] = [:]
        if members[index].sees, let name = NodeName("lost") {
            let finding = AlertFinding(key: key, name: name, value: 0, detail: "it is down")
            entries[key] = AlertTracker.Entry(phase: .firing(unseenSince: nil), since: wall, finding: finding)
        }
        var statements: [NodeID: AlertStatement] = [:]
        for (writer, entry) in members[index].known where writer != index { statements[ids[writer]] = entry.statement }
        let view = MeshAlerts.View(
            kin: Set(ids).subtracting([ids[index]]), alive: Set(members[index].alive.map { ids[$0] }),
            speakers: Set(speakers.map { ids[$0] }), statements: [key: statements])
        let actions = members[index].mesh.step(view, seeing: entries, now: now, wall: wall)
        perform(actions, by: index)
        schedule(.tick(index, run: members[index].run), after: .milliseconds(400) + delay(upTo: .milliseconds(200)))
    }

    private mutating func perform(_ actions: [MeshAlerts.Action], by index: Int) {
        for action in actions {
            switch action {
            case .write(_, let statement):
                let version = (members[index].known[index]?.version ?? 0) + 1
                members[index].known[index] = (statement, version)
                for other in members.indices where other != index && hear(index, other) {
                    schedule(
                        .arrive(at: other, from: index, run: members[index].run, statement, version: version),
                        after: delay(upTo: longestDelay))
                }
            case .send(let notice):
                let run = members[index].run
                let arrival = delay(upTo: .seconds(2))
                schedule(.receive(notice, from: index, run: run), after: arrival)
                schedule(
                    .acknowledge(notice, by: index, run: run, !refuses.contains(index)),
                    after: arrival + delay(upTo: .seconds(2)))
            case .remove: break
            }
        }
    }
}
