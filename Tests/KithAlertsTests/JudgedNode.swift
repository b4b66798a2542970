// SPDX-License-Identifier: Apache-2.0

import KithAlerts
import KithModel
import KithTesting

/// A node with one kin that judges itself every five seconds of a clock moved by hand.
struct JudgedNode {
    static let step = Duration.seconds(5)

    let id: NodeID
    let peer: NodeID
    var rules = AlertRules()
    /// How it is now; changed by tests.
    var vitals: NodeVitals
    var now = MonotonicInstant.zero
    var wall = WallTime(milliseconds: 1_800_000_000_000)
    private(set) var tracker = AlertTracker()
    private var window: VitalsWindow

    init() throws {
        id = try TestID.make(1)
        peer = try TestID.make(2)
        vitals = NodeVitals(
            engine: .init(kind: "ollama", health: .ready, slots: 2, active: 0, queued: 0, queueLimit: 10),
            peers: [
                .init(
                    id: peer, name: try Self.name("laptop"), tier: .kin, state: "up", syncLag: .zero, clockOffset: .zero
                )
            ],
            disk: .init(size: 100_000_000_000, free: 50_000_000_000),
            certificateEnds: wall.advanced(by: .seconds(90 * 86_400)))
        window = VitalsWindow(node: id, name: try Self.name("desk"), first: vitals, now: now, wall: wall)
    }

    static func name(_ text: String) throws -> NodeName {
        struct Impossible: Error {}
        guard let name = NodeName(text) else { throw Impossible() }
        return name
    }

    /// Judges until the time has passed.
    mutating func pass(_ time: Duration, _ change: (inout NodeVitals) -> Void = { _ in }) {
        let end = now + time
        while now < end {
            now = now + Self.step
            wall = wall.advanced(by: Self.step)
            change(&vitals)
            window.add(vitals, now: now, wall: wall)
            tracker.judge(rules.findings(in: window), by: rules, now: now, wall: wall)
        }
    }

    /// What the condition is now; `nil` when there is no such alert.
    func state(_ condition: AlertCondition) -> String? {
        let entry = tracker.entries.first { $0.key.condition == condition }
        return entry.map { $0.value.isFiring ? "firing" : "pending" }
    }

    func finding(_ condition: AlertCondition) -> AlertFinding? {
        tracker.entries.first { $0.key.condition == condition }?.value.finding
    }
}
