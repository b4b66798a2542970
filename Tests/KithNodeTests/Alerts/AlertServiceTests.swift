// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithAPI
import KithAlerts
import KithModel
import KithStore
import KithSync
import KithTesting
import KithTransport
import Logging
import Synchronization
import Testing

@testable import KithNode

@Suite("A node that judges itself", .timeLimit(.minutes(1)))
struct AlertServiceTests {
    /// How the node is, as the test says.
    private final class ToldVitals: NodeVitalsSource {
        private let told: Mutex<NodeVitals>

        init() {
            told = Mutex(
                NodeVitals(engine: .init(kind: nil, health: .none, slots: 0, active: 0, queued: 0, queueLimit: 0)))
        }

        func vitals() async -> NodeVitals { told.withLock { $0 } }

        func change(_ change: (inout NodeVitals) -> Void) { told.withLock { change(&$0) } }
    }

    private struct Bench {
        let node: NodeID
        let store: Store
        let state: SharedStateStore
        let events = EventHub()
        let vitals = ToldVitals()
        let clock = ManualClock()
        let service: AlertService

        init(store: Store? = nil, command: [String] = []) async throws {
            node = try TestID.make(1)
            self.store = try store ?? Store.inMemory()
            state = try await SharedStateStore.open(store: StoredLog(self.store), node: node, events: events)
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let settings = AlertSettings(
                rules: AlertRules(holds: [.disk: .seconds(10)], keep: .seconds(10)), command: command)
            let name = try #require(NodeName("desk"))
            service = AlertService(
                node: node, name: name, settings: settings, source: vitals, state: state, events: events,
                channels: AlertChannels(
                    settings, secrets: nil, speaker: (node, name), client: UpstreamClient(), clock: clock,
                    logger: logger),
                clock: clock, logger: logger)
        }

        func pass(_ steps: Int) async {
            for _ in 0..<steps {
                clock.advance(by: .seconds(5))
                await service.step()
            }
        }

        func setFree(_ bytes: Int64) { vitals.change { $0.disk = .init(size: 100_000_000_000, free: bytes) } }

        var states: [MeshAlert.State] {
            get async { await service.report().alerts.map(\.state) }
        }
    }

    @Test("An alert is pending, firing and resolved, with an event when it begins and when it is over")
    func course() async throws {
        let bench = try await Bench()
        let events = try #require(bench.events.follow([.alert]))
        await bench.pass(1)
        #expect(await bench.states.isEmpty)
        bench.setFree(1_000_000_000)
        await bench.pass(1)
        #expect(await bench.states == [.pending])
        await bench.pass(2)
        #expect(await bench.states == [.firing])
        #expect(bench.service.firing.all.filter { $0.count > 0 }.map(\.condition) == [.disk])
        #expect(bench.service.firing.all.count == AlertCondition.allCases.count)
        bench.setFree(50_000_000_000)
        await bench.pass(3)
        #expect(await bench.states == [.resolved])
        #expect(bench.service.firing.all.allSatisfy { $0.count == 0 })
        bench.events.finish()
        var seen: [String?] = []
        for await event in events { seen.append(event.event?.fields["state"]?.stringValue) }
        #expect(seen == ["firing", "resolved"])
    }

    @Test("After a restart an alert goes on, and ends if its condition is gone")
    func restart() async throws {
        let first = try await Bench()
        first.setFree(1_000_000_000)
        await first.pass(4)
        let since = try #require(await first.service.report().alerts.first).since
        let second = try await Bench(store: first.store)
        second.setFree(1_000_000_000)
        await second.pass(1)
        let shown = try #require(await second.service.report().alerts.first)
        #expect((shown.state, shown.since) == (.firing, since))
        second.setFree(50_000_000_000)
        await second.pass(3)
        #expect(await second.states == [.resolved])
    }

    @Test("Silences are kept over a restart, shown with what they cover, and end")
    func silences() async throws {
        let first = try await Bench()
        let silence = try await first.service.silence(
            AlertSilenceWish(condition: .disk, subject: nil, duration: .seconds(3_600), reason: "moving"))
        let second = try await Bench(store: first.store)
        second.setFree(1_000_000_000)
        await second.pass(4)
        let report = await second.service.report()
        #expect(report.silences == [silence])
        #expect(report.alerts.map(\.silence) == [silence.id])
        #expect(try await second.service.unsilence(silence.id) == silence)
        #expect(try await second.service.unsilence(silence.id) == nil)
        #expect(await second.service.report().alerts.map(\.silence) == [nil])
    }

    @Test("There are at most so many silences; those that are over make room")
    func silenceLimit() async throws {
        let bench = try await Bench()
        for number in 0..<AlertSilence.limit {
            let duration = Duration.seconds(number == 0 ? 0 : 3_600)
            _ = try await bench.service.silence(
                AlertSilenceWish(condition: nil, subject: nil, duration: duration, reason: ""))
        }
        let wish = AlertSilenceWish(condition: nil, subject: nil, duration: .seconds(60), reason: "")
        _ = try await bench.service.silence(wish)
        await #expect(throws: StateRefusal.self) { try await bench.service.silence(wish) }
    }

    @Test("The command is run once when it begins and once when it is over")
    func told() async throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/told"
        let script = folder.path + "/notify"
        try Data("#!/bin/sh\necho $KITH_ALERT_STATE >> \"$1\"\n".utf8).write(to: URL(filePath: script))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: script)
        let bench = try await Bench(command: [script, file])
        let run = Task { await bench.service.run() }
        defer { run.cancel() }
        func states() -> [Substring] {
            ((try? String(contentsOfFile: file, encoding: .utf8)) ?? "").split(separator: "\n")
        }
        bench.setFree(1_000_000_000)
        #expect(
            await eventually {
                bench.clock.advance(by: .seconds(1))
                return states() == ["firing"]
            })
        bench.setFree(50_000_000_000)
        #expect(
            await eventually {
                bench.clock.advance(by: .seconds(1))
                return states() == ["firing", "resolved"]
            })
    }
}
