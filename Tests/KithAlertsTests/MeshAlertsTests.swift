// SPDX-License-Identifier: Apache-2.0

import KithAlerts
import KithModel
import KithTesting
import Testing

@Suite("What a node does about alerts")
struct MeshAlertsTests {
    /// One node with a kin that it hears, and time moved by hand.
    struct Bench {
        let own: NodeID
        let kin: NodeID
        let key: AlertKey
        var mesh: MeshAlerts
        var view: MeshAlerts.View
        var entries: [AlertKey: AlertTracker.Entry] = [:]
        var now = MonotonicInstant.zero
        var wall = WallTime(milliseconds: 1_800_000_000_000)

        init() throws {
            own = try TestID.make(1)
            kin = try TestID.make(2)
            key = AlertKey(.disk, own)
            mesh = MeshAlerts(own: own, rules: AlertRules(), now: now)
            view = MeshAlerts.View(kin: [kin], alive: [kin], speakers: [own], statements: [:])
        }

        mutating func see(_ key: AlertKey) throws {
            let finding = AlertFinding(
                key: key, name: try JudgedNode.name("desk"), value: 1, detail: "1 GB, limit 2 GB")
            entries[key] = AlertTracker.Entry(phase: .firing(unseenSince: nil), since: wall, finding: finding)
        }

        /// - Returns: The messages that were to be sent.
        mutating func pass(_ time: Duration) -> [AlertNotice] {
            var sent: [AlertNotice] = []
            let end = now + time
            while now < end {
                now = now + .seconds(1)
                wall = wall.advanced(by: .seconds(1))
                for case .send(let notice) in mesh.step(view, seeing: entries, now: now, wall: wall) {
                    sent.append(notice)
                    _ = mesh.delivered(notice, true, wall: wall)
                }
            }
            return sent
        }

        var shown: [MeshAlert] { mesh.shown(view, seeing: entries, now: now, wall: wall) }
    }

    @Test("A silenced alert is shown and not told; when the silence ends it is told")
    func silenced() throws {
        var bench = try Bench()
        let silence = AlertSilence(
            id: "s", condition: .disk, subject: nil, until: bench.wall.advanced(by: .seconds(100)), reason: "moving",
            createdAt: bench.wall)
        bench.view.silences = [silence]
        try bench.see(bench.key)
        #expect(bench.pass(.seconds(95)).isEmpty)
        #expect(bench.shown.map(\.silence) == ["s"])
        #expect(bench.shown.map(\.state) == [.firing])
        #expect(bench.pass(.seconds(20)).map(\.phase) == [.firing])
        #expect(bench.shown.map(\.silence) == [nil])
        #expect(bench.shown.map(\.toldBy) == [bench.own])
    }

    @Test("One that is over before its silence is told of neither way, and one that was told is told to be over")
    func silencedToTheEnd() throws {
        var bench = try Bench()
        let silence = AlertSilence(
            id: "s", condition: nil, subject: bench.own, until: bench.wall.advanced(by: .seconds(1_000)), reason: "",
            createdAt: bench.wall)
        bench.view.silences = [silence]
        try bench.see(bench.key)
        #expect(bench.pass(.seconds(30)).isEmpty)
        bench.entries = [:]
        #expect(bench.pass(.seconds(30)).isEmpty)
        #expect(bench.shown.map(\.state) == [.resolved])
        bench.view.silences = []
        try bench.see(bench.key)
        #expect(bench.pass(.seconds(30)).map(\.phase) == [.firing])
        bench.view.silences = [silence]
        bench.entries = [:]
        #expect(bench.pass(.seconds(30)).map(\.phase) == [.resolved])
    }

    @Test("Without a channel anywhere nothing is told, and it is shown all the same")
    func noChannel() throws {
        var bench = try Bench()
        bench.view.speakers = []
        try bench.see(bench.key)
        #expect(bench.pass(.seconds(60)).isEmpty)
        #expect(bench.shown.map(\.state) == [.firing])
        #expect(bench.shown.map(\.seenBy) == [[bench.own]])
    }

    @Test("A node leaves it to a kin with a lower id, unless what it says cannot be kept for its kin to read")
    func unwritable() throws {
        var bench = try Bench()
        let lower = bench.kin < bench.own
        bench.view.speakers = lower ? [bench.own, bench.kin] : [bench.kin]
        try bench.see(bench.key)
        #expect(bench.pass(.seconds(60)).isEmpty)
        bench.view.speakers = [bench.own, bench.kin]
        bench.view.isWritable = false
        #expect(bench.pass(.seconds(60)).map(\.phase) == [.firing])
    }

    @Test("What a lost kin saw of itself is not over; what it saw of others is, once its kin had time to see it")
    func lostWitness() throws {
        for ofItself in [true, false] {
            var bench = try Bench()
            let key = AlertKey(ofItself ? .disk : .peerDown, ofItself ? bench.kin : try TestID.make(3))
            let sighting = AlertStatement.Sighting(
                since: bench.wall, name: try JudgedNode.name("laptop"), value: 0, detail: "")
            bench.view.statements = [key: [bench.kin: AlertStatement(sighting: sighting)]]
            #expect(bench.pass(.seconds(20)).map(\.phase) == [.firing])
            bench.view.alive = []
            #expect(bench.pass(.seconds(100)).isEmpty)
            #expect(bench.pass(.seconds(3_600)).map(\.phase) == (ofItself ? [] : [.resolved]))
        }
    }

    @Test("That a machine does not answer is contradicted by a node that hears it, or is it, and by nothing else")
    func contradicted() throws {
        var bench = try Bench()
        let other = try TestID.make(3)
        let sighting = AlertStatement.Sighting(
            since: bench.wall, name: try JudgedNode.name("laptop"), value: 0, detail: "")
        func contradicted(_ bench: Bench) -> [AlertKey] {
            bench.shown.filter { bench.mesh.isContradicted($0, bench.view, seeing: bench.entries) }.map(\.key)
        }
        let keys = [AlertKey(.peerDown, bench.own), AlertKey(.peerDown, other), AlertKey(.disk, other)]
        for key in keys { bench.view.statements[key] = [bench.kin: AlertStatement(sighting: sighting)] }
        bench.view.kin.insert(other)
        _ = bench.pass(.seconds(5))
        #expect(Set(bench.shown.map(\.key)) == Set(keys), "followers of events are told when it is over")
        #expect(contradicted(bench) == [keys[0]])
        bench.view.alive.insert(other)
        #expect(Set(contradicted(bench)) == [keys[0], keys[1]])
        try bench.see(keys[1])
        #expect(contradicted(bench) == [keys[0]], "it does not hear it itself")
    }

    @Test("What a node says is forgotten a day after it is over, and what one says that is kin no more is removed")
    func forgotten() throws {
        var bench = try Bench()
        try bench.see(bench.key)
        _ = bench.pass(.seconds(20))
        bench.entries = [:]
        _ = bench.pass(.seconds(20))
        #expect(!bench.shown.isEmpty)
        bench.wall = bench.wall.advanced(by: .seconds(90_000))
        let actions = bench.mesh.step(bench.view, seeing: [:], now: bench.now, wall: bench.wall)
        #expect(actions == [.write(bench.key, nil)])
        #expect(bench.shown.isEmpty)
        let stranger = try TestID.make(99)
        bench.view.statements = [bench.key: [stranger: AlertStatement(closedUpTo: bench.wall)]]
        bench.view.kin = []
        bench.view.alive = []
        let removal = bench.mesh.step(bench.view, seeing: [:], now: bench.now, wall: bench.wall)
        #expect(removal == [.remove(bench.key, writer: stranger)])
    }

    @Test("What nodes say of alerts is read as it was written, and what breaks its form is not read")
    func written() throws {
        let key = AlertKey(.certificate, try TestID.make(5))
        let full = AlertStatement(
            sighting: .init(
                since: WallTime(milliseconds: 5), until: WallTime(milliseconds: 9), name: try JudgedNode.name("desk"),
                value: 0.5, detail: "x"),
            telling: .init(incident: WallTime(milliseconds: 5), stage: .told), closedUpTo: WallTime(milliseconds: 4))
        for statement in [full, AlertStatement()] { #expect(AlertStatement(statement.json) == statement) }
        for json: JSONValue in [.null, ["seen": ["since": "x"]], ["told": ["incident": 1, "stage": "sung"]]] {
            #expect(AlertStatement(json) == nil)
        }
        let writer = try TestID.make(6)
        for register in [AlertRegister.statement(key, writer: writer), .channels(writer: writer)] {
            #expect(register.name.utf8.count <= RegisterKey.nameLimit)
            #expect(AlertRegister(name: register.name, writer: writer) == register)
            #expect(AlertRegister(name: register.name, writer: try TestID.make(7)) == nil)
        }
        let silence = AlertSilence(
            id: "a", condition: .disk, subject: writer, until: WallTime(milliseconds: 9), reason: "r",
            createdAt: WallTime(milliseconds: 1))
        #expect(AlertSilence(id: "a", silence.json) == silence)
        #expect(AlertSilence(id: "a", ["until": 1]) == nil)
    }

    @Test("Times that no calendar has do no harm")
    func absurdTimes() throws {
        for milliseconds in [Int64.min, .max] {
            var bench = try Bench()
            let time = WallTime(milliseconds: milliseconds)
            let statement = AlertStatement(
                sighting: .init(since: time, name: try JudgedNode.name("laptop"), value: 0, detail: ""),
                telling: .init(incident: time, stage: .announced), closedUpTo: time)
            bench.view.statements = [bench.key: [bench.kin: statement]]
            try bench.see(bench.key)
            _ = bench.pass(.seconds(30))
            bench.entries = [:]
            bench.view.statements = [bench.key: [bench.kin: AlertStatement(closedUpTo: time)]]
            _ = bench.pass(.seconds(30))
            #expect(bench.shown.count == 1)
        }
    }
}
