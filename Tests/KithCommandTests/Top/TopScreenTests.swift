// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("kith top")
struct TopScreenTests {
    private let now = MonotonicInstant(nanoseconds: 1_000_000_000_000)

    private func peer(
        _ name: String, _ state: String = "up", models: [String] = [], active: Int = 0, slots: Int = 4,
        latency: Double? = 1.5, tier: String = "kin"
    ) -> NodeStatus.Peer {
        NodeStatus.Peer(
            id: "ID-\(name)", name: name, address: "127.0.0.1:9", tier: tier, state: state, models: models,
            active: active, slots: slots, latencyMilliseconds: latency, lastSeenSeconds: 1, reason: nil)
    }

    private func request(
        _ id: String, _ node: String?, _ model: String, secondsAgo: Double, tokens: Int, speed: Double,
        outcome: RouteMessage.Request.Outcome = .completed, continuedBy: String? = nil
    ) -> RouteMessage.Request {
        RouteMessage.Request(
            id: id, at: "2026-03-01T12:00:00Z", secondsAgo: secondsAgo, asked: nil, node: node, model: model,
            reason: "shortest-wait",
            continuations: continuedBy.map {
                [.init(node: $0, model: model, afterTokens: 5, reason: "unreachable", gapMilliseconds: 80)]
            } ?? [],
            outcome: outcome, firstTokenMilliseconds: 120, durationMilliseconds: Double(tokens) / speed * 1_000,
            usage: RouteMessage.Usage(
                TokenUsage(promptTokens: 10, completionTokens: tokens)), tokensPerSecond: speed)
    }

    private func activity(peers: [NodeStatus.Peer]? = nil) -> MeshActivity {
        let engine = NodeStatus.Engine(
            kind: nil, state: "none", reason: "", models: [], slots: 0, active: 0, queued: 0)
        let status = NodeStatus(
            node: "desk", version: "1.2.3", address: "http://127.0.0.1:8080", uptimeSeconds: 11_100, level: 1,
            engine: engine,
            peers: peers ?? [
                peer("laptop", models: ["smollm2", "qwen3:8b"], active: 1),
                peer("server", "down", models: ["llama3.3:70b"], latency: nil), peer("friend", slots: 0, tier: "kith"),
            ],
            sessions: 0, turnCount: 0, valence: 0)
        var activity = MeshActivity()
        activity.read(
            status,
            RouteMessage.Recent(requests: [
                request("a", "server", "smollm2", secondsAgo: 12, tokens: 100, speed: 50, continuedBy: "laptop"),
                request("b", "laptop", "qwen3:8b", secondsAgo: 70, tokens: 200, speed: 10),
            ]), alerts: nil, now: now)
        return activity
    }

    private func event(_ name: String, _ data: String) -> ServerSentEvent { ServerSentEvent(name: name, data: data) }

    private func screen(
        _ activity: MeshActivity, _ controls: TopControls = TopControls(), _ width: Int = 80, _ height: Int = 24
    ) -> [String] {
        TopScreen(activity, controls, width: width, height: height, now: now, style: .plain).lines
    }

    @Test func `Eighty columns and twenty-four lines show machines, models, requests and the keys`() {
        var activity = activity()
        let isMissed = activity.take(
            event("request", #"{"id":"c","node":"laptop","model":"smollm2","continues":false}"#), now: now)
        #expect(!isMissed)
        let expected = """
            kith top  desk  kith 1.2.3  up 3 h 5 min  http://127.0.0.1:8080
            3 up   1 not up   1 running   2 answers/min   3.3 tokens/s

            MACHINE  TIER  STATE      LOAD  TOK/S  ANSWERS  LATENCY  MODELS
            desk     self  no engine     -      -        -        -  -
            friend   kith  up            -      -        -   1.5 ms  -
            laptop   kin   up          1/4   13.6        2   1.5 ms  smollm2, qwen3:8b
            server   kin   down        0/4      -        -        -  llama3.3:70b

            MODEL     RUNNING  TOK/S   FIRST  ANSWERS  ON
            qwen3:8b        0     10  120 ms        1  laptop
            smollm2         1     50  120 ms        1  laptop

            REQUEST  MODEL     MACHINE           FIRST  TIME  TOKENS  TOK/S  OUTCOME
                now  smollm2   laptop                -  0 ms       -      -  running
               10 s  smollm2   server > laptop  120 ms   2 s     100     50  continued
               50 s  qwen3:8b  laptop           120 ms  20 s     200     10  completed






            q quit  tab section  s sort: name  p pause  ? help
            """
        #expect(screen(activity).joined(separator: "\n") == expected)
    }

    @Test(arguments: [(1, 1), (8, 3), (20, 5), (40, 12), (80, 24), (132, 43), (400, 120)])
    func `A picture has as many lines as the terminal, and none is wider`(_ width: Int, _ height: Int) {
        let many = (0..<64).map { peer("machine-with-a-long-name-\($0)", models: ["model-\($0)", "other"], active: 2) }
        let activity = activity(peers: many)
        for key: TopKey in [.view(.all), .view(.machines), .view(.models), .view(.requests), .help] {
            var controls = TopControls()
            _ = controls.take(key, page: 10)
            let lines = screen(activity, controls, width, height)
            #expect(lines.count == height)
            #expect(lines.allSatisfy { $0.displayWidth <= width })
        }
    }

    @Test func `Forty columns show who is up and how fast, which model is where, and what runs`() {
        var activity = activity()
        _ = activity.take(
            event("request", #"{"id":"c","node":"laptop","model":"smollm2","continues":false}"#), now: now)
        let lines = screen(activity, TopControls(), 40, 24)
        #expect(lines.contains { $0.hasPrefix("MACHINE  TIER  STATE      LOAD  TOK/S") })
        #expect(lines.contains { $0.hasPrefix("MODEL     RUNNING  TOK/S") && $0.hasSuffix("ON") })
        #expect(lines.contains { $0.hasPrefix("REQUEST  MODEL     MACHINE") && $0.hasSuffix("TIME") })
    }

    @Test func `What does not fit is counted, and a section alone can be scrolled to its end`() {
        let activity = activity(peers: (10..<74).map { peer("node-\($0)") })
        #expect(screen(activity).contains { $0.hasPrefix("+ 60 more") })
        var controls = TopControls()
        _ = controls.take(.next, page: 19)
        _ = controls.take(.last, page: 19)
        controls.hold(rows: 65, page: TopScreen.page(height: 24))
        let lines = screen(activity, controls)
        #expect(lines[4].hasPrefix("node-55"))
        #expect(lines[22].hasPrefix("node-73"))
    }

    @Test func `Ordered by speed, the fastest model stands first`() {
        var controls = TopControls()
        _ = controls.take(.sort, page: 1)
        _ = controls.take(.sort, page: 1)
        let lines = screen(activity(), controls)
        let models = lines.drop { !$0.hasPrefix("MODEL") }
        #expect(models.dropFirst().first?.hasPrefix("smollm2") == true)
    }

    @Test func `Events change what was read: a peer is lost, a request ends, an alert fires and is over`() throws {
        var activity = activity()
        func take(_ name: String, _ data: String) { _ = activity.take(event(name, data), now: now) }
        take("request", #"{"id":"c","node":"laptop","model":"smollm2","continues":false}"#)
        take(
            "mesh",
            #"{"id":"ID-laptop","name":"laptop","address":"","addresses":[],"tier":"kin","state":"down","models":[],"#
                + #""active":0,"slots":4}"#)
        take("mesh", #"{"id":"ID-friend","name":"friend","gone":true}"#)
        take("alert", #"{"alert":"peer-down","state":"firing","subject":"ID-laptop","silence":null}"#)
        #expect(activity.peers.map(\.name) == ["laptop", "server"])
        #expect(activity.peers.first?.state == "down")
        #expect(screen(activity)[1].hasSuffix("alerts: peer-down"))
        take(
            "route",
            #"{"id":"c","at":"","skipped":[],"continuations":[],"outcome":"failed","failure":"unreachable","duration_ms":9}"#
        )
        take("alert", #"{"alert":"peer-down","state":"resolved","subject":"ID-laptop","silence":null}"#)
        #expect(activity.running.isEmpty)
        #expect(activity.ended.first?.request.failure == "unreachable")
        #expect(activity.alerts.isEmpty)
    }

    @Test func `After a gap in the events everything is read anew; what is no event of a node changes nothing`() {
        var activity = activity()
        let isMissed = activity.take(event("gap", "{}"), now: now)
        #expect(isMissed)
        for data in ["", "7", "[]", "{}", #"{"name":7}"#] {
            for kind in ["mesh", "node", "request", "route", "alert", "nonsense"] {
                let isMissed = activity.take(event(kind, data), now: now)
                #expect(!isMissed)
            }
        }
        #expect(screen(activity) == screen(self.activity()))
    }

    @Test func `A node that does not answer is said to be lost, and since when`() {
        var activity = activity()
        activity.lost("nobody listens there", now: now)
        let lines = TopScreen(
            activity, TopControls(), width: 80, height: 24, now: now + .seconds(7), style: .plain
        ).lines
        #expect(lines[1] == "the node does not answer since 7 s: nobody listens there")
    }

    @Test func `Names from other machines move no cursor`() {
        let lines = screen(activity(peers: [peer("evil\u{1B}[2J\nx", models: ["m\u{9B}31m"])]))
        #expect(lines.allSatisfy { line in !line.unicodeScalars.contains { $0.value < 32 || $0.value == 0x9B } })
    }

    @Test func `Keys are told from bytes, in the forms that terminals send them`() {
        #expect(TopKey.keys(in: "q".utf8) == [.quit])
        #expect(TopKey.keys(in: "\u{1B}[A\u{1B}OBjk".utf8) == [.up, .down, .down, .up])
        #expect(TopKey.keys(in: "\u{1B}[5~\u{1B}[6~\u{1B}[Z\t".utf8) == [.pageUp, .pageDown, .previous, .next])
        #expect(TopKey.keys(in: [0x1B]) == [.quit])
        #expect(TopKey.keys(in: "\u{1B}[1;5C\u{1B}[200~x".utf8) == [.other, .other, .other])
        #expect(TopKey.keys(in: "\u{1B}[12".utf8).isEmpty)
        #expect(TopKey.keys(in: [0x03]) == [.quit])
    }

    @Test func `Help takes the next key, whichever it is`() {
        var controls = TopControls()
        var ends: [Bool] = []
        for key: TopKey in [.help, .quit, .quit] { ends.append(controls.take(key, page: 1)) }
        #expect(ends == [false, false, true])
        #expect(!controls.showsHelp)
    }
}
