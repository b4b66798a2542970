// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

/// Every table that a command prints, with names as long as they get.
@Suite("Tables of commands in narrow terminals")
struct TableWidthTests {
    /// One table, and what it is looked at for.
    struct Table: Sendable, CustomTestStringConvertible {
        var command: String
        /// The title of the first column that is always there.
        var title: String
        /// What a command that follows is told; whole in any terminal.
        var names: [String]
        var lines: @Sendable (Int?) throws -> [String]

        var testDescription: String { command }

        /// Without the sentences around it.
        func rows(_ width: Int?) throws -> [String] {
            let lines = try lines(width).drop { !$0.contains(title) }
            return Array(lines.prefix { !$0.isEmpty })
        }
    }

    private static let time = "2026-03-01T12:00:59.000000Z"
    private static let clock = WallTime(milliseconds: 1_772_366_400_000)
    private static let long = "the-machine-below-the-desk-with-the-large-disk"
    private static let model = "a-model-with-a-long-name:70b-instruct-q4"
    private static let sentence = "nobody listens there, and nothing has been heard of it for a long while"

    static let all: [Table] = [
        keys, usage, audit, recent, traces, trace, candidates, skipped, peers, nearby, sessions, culture, exchanges,
        refusals, alerts, silences, sync, levels, context, cluster,
        Table(command: "explain", title: "CODE", names: ["no_engine"]) {
            ExplanationReport.lines(width: $0, style: .plain)
        },
    ]

    @Test("No line of a table is wider than the terminal", arguments: TableWidthTests.all, [20, 40, 80, 100, 132])
    func width(table: Table, width: Int) throws {
        let rows = try table.rows(width)
        #expect(rows.count > 1)
        for row in rows { #expect(row.displayWidth <= width, "\(row)") }
    }

    @Test("What a command that follows is told is never cut", arguments: TableWidthTests.all, [40, 80, 100])
    func names(table: Table, width: Int) throws {
        let rows = try table.rows(width)
        for name in table.names { #expect(rows.contains { $0.contains(name) }, "\(name)") }
    }

    @Test("Forty columns show more than names, and a line says that more is to be had", arguments: TableWidthTests.all)
    func narrow(table: Table) throws {
        let (whole, rows) = (try table.rows(nil), try table.rows(40))
        #expect(rows[0].contains("  "), "\(rows[0])")
        let isCut = rows.last?.contains("more column") == true
        #expect(isCut == !whole[0].split(separator: " ").allSatisfy { rows[0].contains($0) }, "\(rows)")
        #expect(!whole.joined().contains("more column"))
    }

    @Test("What is not a terminal gets everything", arguments: TableWidthTests.all)
    func whole(table: Table) throws { #expect(try table.rows(nil) == table.rows(10_000)) }
}

extension TableWidthTests {
    private static func decoded<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
        try JSONBody.decode(type, from: Array(json.utf8))
    }

    private static let keys = Table(command: "key list", title: "ID", names: ["abcdefgh"]) { width in
        let record = ClientKeyRecord(
            id: "abcdefgh", name: long, scopes: [.chat, .read], digest: [], createdAt: clock, expiresAt: clock,
            limits: KeyLimits(tokensPerDay: 200_000))
        return KeysReport(
            [ControlMessage.Key(record, now: clock, tokensToday: 12_345)], width: width, style: .plain
        ).lines
    }

    private static let usage = Table(command: "usage", title: "KEY", names: ["abcdefgh"]) { width in
        let subject = UsageSubject(day: UTCDay(clock), holder: "abcdefgh", model: model, node: long)
        let count = UsageCount(requests: 1_234, promptTokens: 1_234_567, answerTokens: 234_567)
        return UsageReport([ControlMessage.Usage(subject, count, name: long)], width: width, style: .plain).lines
    }

    private static let audit = Table(command: "audit", title: "KIND", names: ["peer.handshake_refused"]) { width in
        let record = AuditRecord(
            at: clock, kind: .handshakeRefused, subject: "abcdefgh", source: "2001:db8:1234:5678:9abc:def0:1234:5678",
            reason: sentence, count: 12)
        return AuditReport([AuditMessage.Line(record)], width: width, style: .plain).lines
    }

    private static let requests = [
        RouteMessage.Request(
            id: "4bf92f3577b34da6a3ce929d0e0e4736", at: time, secondsAgo: 3, asked: nil, node: long, model: model,
            reason: "shortest-wait", skipped: [.init(node: "old", reason: "down(refused)")],
            continuations: [
                .init(node: "attic", model: model, afterTokens: 7, reason: "interrupted", gapMilliseconds: 30)
            ], outcome: .completed, firstTokenMilliseconds: 12.3, durationMilliseconds: 1_540,
            usage: .init(TokenUsage(promptTokens: 3, completionTokens: 40)), tokensPerSecond: 26.1),
        RouteMessage.Request(
            id: "2", at: time, secondsAgo: 90, asked: "gone", node: nil, model: nil, reason: nil, outcome: .failed,
            failure: "model_not_found", durationMilliseconds: 0.2),
    ]

    private static let recent = Table(command: "route --recent", title: "NODE", names: []) { width in
        RecentRoutesReport(.init(requests: requests), width: width, style: .plain).lines
    }

    private static let traces = Table(command: "trace", title: "REQUEST", names: requests.map(\.id)) { width in
        RecentTracesReport(.init(requests: requests), width: width, style: .plain).lines
    }

    private static let trace = Table(command: "trace ID", title: "SPAN", names: []) { width in
        let id = try #require(TraceID("4bf92f3577b34da6a3ce929d0e0e4736"))
        let span = try #require(SpanID(rawValue: 1))
        var snapshot = SpanSnapshot(
            name: "POST /v1/chat/completions", trace: id, id: span, parent: nil, request: RequestID(rawValue: "r"),
            began: 0, duration: 100_000_000, attributes: ["kith.node": .string(long)])
        snapshot.status = .error
        snapshot.problem = sentence
        return TraceReport(
            TraceMessage.Trace(id, TraceTimeline([(long, [snapshot])]), missing: []), width: width, style: .plain
        ).lines
    }

    private static let explanation = RouteMessage.Explanation(
        asked: nil, promptTokens: 9, node: "desk", model: model, reason: "shortest-wait",
        candidates: [
            RouteMessage.Candidate(
                node: long, model: model, waitMilliseconds: 999, scoreMilliseconds: 500,
                estimate: .init(
                    outstanding: 1, slots: 4, tokensPerSecond: 127.25, queueMilliseconds: 0, serviceMilliseconds: 510,
                    roundTripMilliseconds: 0.44, coldLoadMilliseconds: 5_000, penaltyMilliseconds: 120, level: 1.5,
                    breaker: "closed", prefixBlocks: 3))
        ], skipped: [.init(node: long, reason: sentence)])

    private static let candidates = Table(command: "route", title: "SCORE", names: []) { width in
        RouteExplanationReport(explanation, width: width, style: .plain).lines
    }

    private static let skipped = Table(command: "route, of the skipped", title: "SKIPPED", names: []) { width in
        RouteExplanationReport(explanation, width: width, style: .plain).lines
    }

    /// In a narrow terminal addresses and reasons stand in lines of their own.
    private static let peers = Table(command: "peers", title: "ID", names: ["ABCDEFG", "down"]) { width in
        PeersReport(
            [
                NodeStatus.Peer(
                    id: "ABCDEFG-HIJKLMN", name: long, address: "http://192.0.2.1",
                    addresses: ["192.0.2.1:7443", "[2001:db8::1]:7443"], tier: "kin", state: "down", level: 1.5,
                    models: [model], active: 1, slots: 4, latencyMilliseconds: 2.25, lastSeenSeconds: 3,
                    reason: sentence)
            ], width: width, style: .plain
        ).lines
    }

    private static let nearby = Table(command: "peers --nearby", title: "ID", names: ["ABCDEFG"]) { width in
        let node = ControlMessage.Nearby.Node(
            id: "ABCDEFG-HIJKLMN", name: long, version: "0.1.0",
            addresses: [PeerAddress("[2001:db8::1]:7443"), PeerAddress("192.0.2.1:7443")].compactMap(\.self),
            source: "environment", seenSecondsAgo: 3)
        return NearbyReport(.init(nodes: [node], problems: []), width: width, style: .plain).lines
    }

    private static let sessions = Table(command: "session list", title: "SESSION", names: ["kitchen-plans"]) { width in
        let id = try #require(SessionID("kitchen-plans"))
        let node = try #require(NodeName(long))
        let summary = SessionSummary(id: id, createdAt: clock, lastUsedAt: clock, turnCount: 12)
        return SessionsReport([SessionMessage.Summary(summary, node: node)], width: width, style: .plain).lines
    }

    private static let culture = Table(command: "culture list", title: "ID", names: ["3f2a9c3f2a9c"]) { width in
        let entry = try decoded(
            CultureMessage.Entry.self,
            """
            {"insight": {"id": "3f2a9c3f2a9c3f2a9c3f2a9c3f2a9c3f", "text": "\(sentence)", "topic": "patience", \
            "peer": "\(long)", "tier": "kith", "exchange": "e", "node": "\(try node())", "learned_at": 1772366459000, \
            "quality": 0.5, "standing": "live", "reinforcements": []}, "score": 0.75, "times": 3, "learned": "\(time)"}
            """)
        return CultureReport(width: width, style: .plain).lines(.init(total: 1, insights: [entry]))
    }

    private static func node() throws -> NodeID { try #require(NodeID(digest: (0..<32).map { UInt8($0) })) }

    private static let exchanges = Table(command: "companion history", title: "TOPIC", names: []) { width in
        let record = ExchangeRecord(
            id: RequestID(rawValue: "e"), at: clock, peer: long, tier: .kith, topic: sentence, outcome: .quarantined,
            note: sentence, duration: .seconds(12), tokens: 345)
        return CompanionReport(width: width, style: .plain).lines([CompanionMessage.Exchange(record)])
    }

    private static let refusals = Table(command: "companion refusals", title: "WHY", names: []) { width in
        let record = RefusalRecord(at: clock, peer: long, reason: .emailAddress, text: sentence)
        return CompanionReport(width: width, style: .plain).lines(
            CompanionMessage.Refusals(counts: [:], refusals: [CompanionMessage.Refusal(record)]))
    }

    private static let alert = AlertMessage.Alert(
        alert: "engine-down-everywhere", state: "pending", severity: "warning", subject: .init(id: "X", name: long),
        since: time, until: nil, text: sentence, detail: sentence, seen_by: ["desk"], told_by: long, silence: nil)

    private static let silence = AlertMessage.Silence(
        id: "1f3a9c02", condition: "engine-down", subject: .init(id: "X", name: long), until: time, reason: sentence,
        created_at: time)

    private static let alerts = Table(command: "alerts", title: "ALERT", names: [alert.alert, "pending"]) { width in
        AlertsReport(.init(alerts: [alert], silences: []), width: width, style: .plain).lines
    }

    private static let silences = Table(command: "alerts, silenced", title: "SILENCE", names: [silence.id]) { width in
        AlertsReport(.init(alerts: [], silences: [silence]), width: width, style: .plain).lines
    }

    private static let sync = Table(command: "sync status", title: "NODE", names: []) { width in
        let kin = StateMessage.Sync.Kin(
            id: "ABC", name: long, state: .unreachable, behindBy: 4, aheadBy: 0, exchangedSecondsAgo: 12,
            unreachableSince: time, problem: sentence, level: 2.5)
        let sync = StateMessage.Sync(node: "desk", level: 1, operations: 1, quarantined: 0, versions: [:], kin: [kin])
        return SyncStatusReport(sync, now: clock, width: width, style: .plain).lines
    }

    private static let levels = Table(command: "level", title: "SOURCE", names: []) { width in
        LevelsReport(
            [.init(source: "ABC-DEF", name: long, level: 2.5, writtenAt: time, node: long)], width: width, style: .plain
        ).lines
    }

    private static let context = Table(command: "context", title: "KEY", names: ["branch-of-the-day"]) { width in
        let value = StateMessage.ContextValue(value: .string(sentence), source: long, writtenAt: time, node: long)
        return ContextReport(
            [.init(key: "branch-of-the-day", isConflict: false, values: [value])], width: width, style: .plain
        ).lines
    }

    private static let cluster = Table(
        command: "cluster status", title: "NODE", names: ["instance_8080", "running"]
    ) { width in
        ClusterReport(
            [
                .init(
                    name: "instance_8080", url: "http://127.0.0.1:8080", state: .running, pid: 12_345,
                    log: "/home/somebody/.local/share/kith/cluster/instance_8080/state/node.log")
            ], width: width, style: .plain
        ).lines
    }
}
