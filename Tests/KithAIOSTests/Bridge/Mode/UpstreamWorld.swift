// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithModel
import KithTesting

/// A bridge's book among cells that die and come back, on a clock that is moved by hand.
struct UpstreamWorld {
    enum Cell: CaseIterable {
        case answers
        /// Nobody listens: a connection is refused at once.
        case refuses
        /// As with a pulled cable: nothing comes back.
        case isSilent
    }

    private struct Probe {
        var id: UpstreamID
        var began: MonotonicInstant
        /// When its fate is known.
        var ends: MonotonicInstant
        var answers: Bool
    }

    private(set) var selector = UpstreamSelector()
    private(set) var now = MonotonicInstant.zero
    private(set) var cells: [UpstreamID: Cell] = [:]
    /// When each cell last changed.
    private(set) var changed: [UpstreamID: MonotonicInstant] = [:]
    private(set) var actions: [UpstreamAction] = []
    private var probes: [Probe] = []
    private var generator: SeededGenerator
    private var nextLook = MonotonicInstant.zero

    init(_ ids: [UpstreamID], seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        for id in ids {
            cells[id] = .isSilent
            changed[id] = .zero
        }
        actions += selector.set(ids, now: now)
    }

    mutating func set(_ id: UpstreamID, _ cell: Cell) {
        guard cells[id] != cell else { return }
        cells[id] = cell
        changed[id] = now
        // What is on the way to a cell that falls silent is never answered.
        guard cell == .isSilent else { return }
        for index in probes.indices where probes[index].id == id && probes[index].answers {
            probes[index].answers = false
            probes[index].ends = probes[index].began + UpstreamSelector.probeLimit
        }
    }

    /// Lets time pass as a running bridge does, probe by probe.
    mutating func pass(_ duration: Duration, check: (UpstreamWorld) -> Void = { _ in }) {
        let end = now + duration
        while true {
            let next = min(probes.map(\.ends).min() ?? end, nextLook, end)
            now = max(now, next)
            for probe in probes where probe.ends <= now { finish(probe) }
            probes.removeAll { $0.ends <= now }
            if nextLook <= now { look() }
            check(self)
            if now >= end { return }
        }
    }

    private mutating func look() {
        actions += selector.tick(now: now)
        for id in selector.takeProbes(now: now) { probes.append(probe(of: id)) }
        nextLook = min(selector.nextProbe ?? now + .milliseconds(250), now + .milliseconds(250))
        // Timers are never early, and a little late.
        nextLook = max(nextLook, now) + .milliseconds(Int.random(in: 1...10, using: &generator))
    }

    private mutating func probe(of id: UpstreamID) -> Probe {
        let answers = cells[id] == .answers
        let time: Duration =
            switch cells[id] {
            case .answers: .milliseconds(Int.random(in: 1...100, using: &generator))
            case .refuses: .milliseconds(1)
            case .isSilent, nil: UpstreamSelector.probeLimit
            }
        return Probe(id: id, began: now, ends: now + time, answers: answers)
    }

    private mutating func finish(_ probe: Probe) {
        let health = UpstreamHealth(cellID: "cell", branch: "main", level: 1)
        let result: Result<UpstreamHealth, UpstreamError> =
            probe.answers ? .success(health) : .failure(UpstreamError(.silent, "no answer"))
        actions += selector.probed(probe.id, result, now: now)
    }
}

extension UpstreamID {
    static func cell(_ number: Int) -> UpstreamID {
        .address(HTTPAddress(host: "127.0.0.1", port: 8_000 + number))
    }

    static func kin(_ number: UInt8) -> UpstreamID {
        NodeID(digest: [UInt8](repeating: number, count: 32)).map { .kin($0) } ?? .cell(Int(number))
    }
}
