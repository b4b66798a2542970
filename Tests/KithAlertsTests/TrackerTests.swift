// SPDX-License-Identifier: Apache-2.0

import KithAlerts
import KithModel
import KithTesting
import Testing

@Suite("An alert over time")
struct TrackerTests {
    private static func spoil(_ vitals: inout NodeVitals) { vitals.peers[0].state = "down" }

    private static func mend(_ vitals: inout NodeVitals) { vitals.peers[0].state = "up" }

    @Test("One that comes and goes is one alert from the first time to some time after the last")
    func flapping() throws {
        var node = try JudgedNode()
        node.pass(.seconds(70), Self.spoil)
        let since = try #require(node.tracker.entries.first).value.since
        for _ in 0..<50 {
            node.pass(.seconds(50), Self.mend)
            #expect(node.state(.peerDown) == "firing")
            node.pass(.seconds(5), Self.spoil)
        }
        #expect(node.tracker.entries.first?.value.since == since)
        node.pass(.seconds(60), Self.mend)
        #expect(node.state(.peerDown) == "firing")
        node.pass(.seconds(10), Self.mend)
        #expect(node.state(.peerDown) == nil)
    }

    @Test("A condition that never holds for its time is no alert")
    func shortTroubles() throws {
        var node = try JudgedNode()
        for _ in 0..<50 {
            node.pass(.seconds(55), Self.spoil)
            #expect(node.state(.peerDown) == "pending")
            node.pass(.seconds(5), Self.mend)
            #expect(node.state(.peerDown) == nil)
        }
    }

    @Test("A calendar that jumps changes no wait", arguments: [-400_000, 400_000, Int64.max / 2_000])
    func calendar(seconds: Int64) throws {
        var node = try JudgedNode()
        // Certificates are judged by the calendar, and rightly so.
        node.rules = AlertRules(off: [.certificate])
        node.pass(.seconds(30), Self.spoil)
        node.wall = node.wall.advanced(by: .seconds(seconds))
        node.pass(.seconds(30), Self.spoil)
        #expect(node.state(.peerDown) == "pending")
        node.pass(.seconds(10), Self.spoil)
        #expect(node.state(.peerDown) == "firing")
        node.wall = node.wall.advanced(by: .seconds(-seconds))
        node.pass(.seconds(60), Self.mend)
        #expect(node.state(.peerDown) == "firing")
        node.pass(.seconds(10), Self.mend)
        #expect(node.state(.peerDown) == nil)
    }

    @Test("A machine that slept counts neither the trouble nor the quiet of its sleep")
    func sleep() throws {
        var node = try JudgedNode()
        node.pass(.seconds(10), Self.spoil)
        node.now = node.now + .seconds(3_600)
        node.pass(.seconds(55), Self.spoil)
        #expect(node.state(.peerDown) == "pending")
        node.pass(.seconds(20), Self.spoil)
        #expect(node.state(.peerDown) == "firing")
        node.pass(.seconds(10), Self.mend)
        node.now = node.now + .seconds(3_600)
        node.pass(.seconds(55), Self.mend)
        #expect(node.state(.peerDown) == "firing")
        node.pass(.seconds(15), Self.mend)
        #expect(node.state(.peerDown) == nil)
    }

    @Test("An alert of an earlier run goes on if its condition holds, and ends a while after the start if it does not")
    func resumed() throws {
        for holds in [true, false] {
            var node = try JudgedNode()
            var tracker = AlertTracker()
            let key = AlertKey(.peerDown, node.peer)
            let finding = AlertFinding(key: key, name: try JudgedNode.name("laptop"), value: 0, detail: "it is down")
            tracker.resume(finding, since: node.wall, now: node.now)
            for _ in 0..<20 {
                node.now = node.now + .seconds(5)
                tracker.judge(holds ? [finding] : [], by: node.rules, now: node.now, wall: node.wall)
            }
            #expect((tracker.entries[key]?.isFiring == true) == holds)
        }
    }

    @Test("There are at most so many, and those that matter most are among them")
    func bound() throws {
        var tracker = AlertTracker()
        let rules = AlertRules()
        let name = try JudgedNode.name("x")
        var findings = try (0..<1_000).map { number in
            AlertFinding(key: AlertKey(.peerDown, try TestID.make(number)), name: name, value: 0, detail: "")
        }
        let disk = AlertFinding(key: AlertKey(.disk, try TestID.make(5_000)), name: name, value: 0, detail: "")
        findings.append(disk)
        for second in 0..<100 {
            tracker.judge(findings, by: rules, now: .zero + .seconds(second), wall: .epoch)
        }
        #expect(tracker.entries.count == AlertTracker.limit)
        #expect(tracker.entries[disk.key]?.isFiring == true)
    }
}
