// SPDX-License-Identifier: Apache-2.0

import KithAlerts
import KithModel
import Testing

@Suite("Each condition")
struct ConditionTests {
    /// What makes a condition true and false again, each as it goes on for five seconds.
    struct Case: CustomTestStringConvertible, Sendable {
        var condition: AlertCondition
        var spoil: @Sendable (inout NodeVitals) -> Void
        var mend: @Sendable (inout NodeVitals) -> Void
        var detail: String

        var testDescription: String { condition.rawValue }
    }

    static let cases = [
        Case(
            condition: .peerDown, spoil: { $0.peers[0].state = "down" }, mend: { $0.peers[0].state = "up" },
            detail: "it is down"),
        Case(
            condition: .syncLag, spoil: { $0.peers[0].syncLag = .seconds(150) }, mend: { $0.peers[0].syncLag = .zero },
            detail: "150 s, limit 120 s"),
        Case(
            condition: .clockOffset, spoil: { $0.peers[0].clockOffset = .seconds(-45.5) },
            mend: { $0.peers[0].clockOffset = .milliseconds(20) }, detail: "45.5 s, limit 30 s"),
        Case(
            condition: .errorRate,
            spoil: {
                $0.answers.failed += 1
                $0.answers.completed += 3
            },
            mend: { $0.answers.completed += 3 }, detail: "25 %, limit 5 %"),
        Case(
            condition: .slowFirstToken, spoil: { for _ in 0..<2 { $0.answers.firstToken.add(.seconds(20)) } },
            mend: { $0.answers.firstToken.add(.milliseconds(200)) }, detail: "28 s, limit 10 s"),
        Case(
            condition: .queueFull, spoil: { $0.engine.queued = 9 }, mend: { $0.engine.queued = 3 },
            detail: "90 %, limit 90 %"),
        Case(
            condition: .continuationFailed, spoil: { $0.answers.continuationsFailed += 1 }, mend: { _ in },
            detail: "1, limit 0"),
        Case(
            condition: .degraded, spoil: { $0.degraded = "the bridge has fallen back" }, mend: { $0.degraded = nil },
            detail: "the bridge has fallen back"),
        Case(
            condition: .disk, spoil: { $0.disk?.free = 1_234_000_000 }, mend: { $0.disk?.free = 40_000_000_000 },
            detail: "1.23 GB, limit 2 GB"),
        Case(
            condition: .certificate, spoil: { $0.certificateEnds = WallTime(milliseconds: 1_800_600_000_000) },
            mend: { $0.certificateEnds = WallTime(milliseconds: 1_900_000_000_000) }, detail: "6.9 days, limit 14 days"),
    ]

    @Test("Is an alert once it has held for its time, and is over some time after it is mended", arguments: cases)
    func course(_ one: Case) throws {
        var node = try JudgedNode()
        node.pass(.seconds(600)) { $0.answers.completed += 1 }
        #expect(node.tracker.entries.isEmpty)
        let hold = try #require(node.rules[one.condition]).hold
        if hold > .zero {
            node.pass(JudgedNode.step, one.spoil)
            node.pass(VitalsWindow.span / 10, one.spoil)
            #expect(node.state(one.condition) != nil)
        }
        let text = try #require(
            one.condition == .continuationFailed ? firstText(&node, one) : lastText(&node, one, hold))
        #expect(text == one.detail)
        #expect(node.state(one.condition) == "firing")
        #expect(node.tracker.entries.count == 1)
        node.pass(AlertRules.standardKeep - JudgedNode.step, one.mend)
        #expect(node.state(one.condition) == "firing")
        node.pass(VitalsWindow.span + AlertRules.standardKeep, one.mend)
        #expect(node.state(one.condition) == nil)
        #expect(node.tracker.entries.isEmpty)
    }

    private func firstText(_ node: inout JudgedNode, _ one: Case) -> String? {
        node.pass(JudgedNode.step, one.spoil)
        return node.finding(one.condition)?.detail
    }

    /// What is said of a condition that has held for as long as the window and its rule.
    private func lastText(_ node: inout JudgedNode, _ one: Case, _ hold: Duration) -> String? {
        node.pass(VitalsWindow.span + hold, one.spoil)
        return node.finding(one.condition)?.detail
    }

    @Test("The table of cases has every condition, and the table of rules has it once")
    func complete() {
        #expect(Set(Self.cases.map(\.condition)) == Set(AlertCondition.allCases))
        #expect(AlertRule.table.map(\.condition).sorted() == AlertCondition.allCases.sorted())
    }

    @Test(
        "A kin that said goodbye, or sleeps, is not missed, and a friend's node is nobody's business",
        arguments: [("left", Tier.kin), ("asleep", .kin), ("down", .kith)])
    func notMissed(state: String, tier: Tier) throws {
        var node = try JudgedNode()
        node.pass(.seconds(300)) {
            $0.peers[0].state = state
            $0.peers[0].tier = tier
        }
        #expect(node.tracker.entries.isEmpty)
    }

    @Test("A kin that was never in reach is missed too")
    func neverSeen() throws {
        var node = try JudgedNode()
        node.pass(.seconds(70)) { $0.peers[0].state = "unknown" }
        #expect(node.state(.peerDown) == "firing")
    }

    @Test("A peer that is down and lacks writes is one alert, not two")
    func lagOfTheLost() throws {
        var node = try JudgedNode()
        node.pass(.seconds(600)) {
            $0.peers[0].state = "down"
            $0.peers[0].syncLag = .seconds(400)
        }
        #expect(node.tracker.entries.keys.map(\.condition) == [.peerDown])
    }

    @Test("A few prompts say nothing about errors or delay")
    func fewAnswers() throws {
        var node = try JudgedNode()
        node.pass(JudgedNode.step) {
            $0.answers.failed += 9
            for _ in 0..<9 { $0.answers.firstToken.add(.seconds(60)) }
        }
        node.pass(.seconds(290))
        #expect(node.tracker.entries.isEmpty)
    }

    @Test("What happened before a machine slept is not what happens now")
    func sleep() throws {
        var node = try JudgedNode()
        node.pass(.seconds(100)) { $0.answers.failed += 5 }
        node.now = node.now + .seconds(3_600)
        node.pass(.seconds(200)) { $0.answers.completed += 1 }
        #expect(node.state(.errorRate) == nil)
    }

    @Test("Thresholds and times can be chosen, and conditions switched off")
    func chosen() throws {
        var node = try JudgedNode()
        node.rules = AlertRules(
            thresholds: [.disk: 60e9], holds: [.disk: .zero, .peerDown: .seconds(5)], off: [.peerDown], keep: .zero)
        node.pass(JudgedNode.step) { $0.peers[0].state = "down" }
        #expect(node.tracker.entries.keys.map(\.condition) == [.disk])
        #expect(node.finding(.disk)?.detail == "50 GB, limit 60 GB")
    }
}

@Suite("A quantile of counted durations")
struct QuantileTests {
    @Test("Is reckoned within its size, and is the last bound beyond all sizes")
    func quantile() {
        var counts = DurationCounts()
        #expect(counts.quantile(0.9) == nil)
        for _ in 0..<10 { counts.add(.milliseconds(700)) }
        #expect(counts.quantile(0.9) == 0.95)
        #expect(counts.quantile(0.5) == 0.75)
        for _ in 0..<90 { counts.add(.seconds(1_000)) }
        #expect(counts.quantile(0.9) == 120)
        #expect(counts.quantile(0.05) == 0.75)
    }
}
