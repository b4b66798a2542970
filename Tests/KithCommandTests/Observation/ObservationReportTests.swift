// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("Traces, logs and events at the terminal")
struct ObservationReportTests {
    private func trace() throws -> TraceMessage.Trace {
        let id = try #require(TraceID("4bf92f3577b34da6a3ce929d0e0e4736"))
        func span(
            _ name: String, _ span: UInt64, under parent: UInt64?, from began: Int64, for duration: Int64,
            _ attributes: JSONObject = [:]
        ) throws -> SpanSnapshot {
            SpanSnapshot(
                name: name, trace: id, id: try #require(SpanID(rawValue: span)),
                parent: parent.flatMap { SpanID(rawValue: $0) }, request: RequestID(rawValue: "my-request"),
                began: began, duration: duration, attributes: attributes)
        }
        var attempt = try span(
            "attempt", 2, under: 1, from: 10_000_000, for: 80_000_000, ["kith.node": "laptop"])
        attempt.status = .error
        attempt.problem = "interrupted"
        attempt.moments = [.init(name: "first token", at: 30_000_000)]
        let spans = [try span("POST /v1/chat/completions", 1, under: nil, from: 0, for: 100_000_000), attempt]
        return TraceMessage.Trace(
            id, TraceTimeline([("desk", spans)]), missing: [.init(node: "laptop", reason: "nobody listens there")])
    }

    @Test func `A trace is a tree on a line of time, and says who is missing`() throws {
        let lines = TraceReport(try trace(), width: nil, style: .plain).lines
        #expect(lines[0] == "request my-request, trace 4bf92f3577b34da6a3ce929d0e0e4736, 100 ms")
        #expect(lines[3].contains("POST /v1/chat/completions"))
        #expect(lines[3].contains(String(repeating: "█", count: 24)))
        #expect(lines[4].contains("  attempt"))
        #expect(lines[4].contains("··█"))
        #expect(lines[4].hasSuffix("failed: interrupted, to laptop, first token after 20 ms"))
        #expect(lines.last == "laptop does not tell its part: nobody listens there")
    }

    @Test func `In a narrow terminal there is no bar, and every line fits`() throws {
        let lines = TraceReport(try trace(), width: 80, style: .plain).lines
        #expect(!lines.contains { $0.contains("█") })
        #expect(lines.dropFirst().allSatisfy { $0.count <= 80 })
    }

    @Test func `A line of a log is one line, whatever it holds`() throws {
        let line = LogMessage.Line(
            LogLine(
                time: .epoch, level: .warning, label: "kith", message: "a\nb\u{1B}[31m",
                metadata: ["request": "r", "peer": "x\ny"]))
        let text = LogText.line(line, style: .plain)
        #expect(!text.contains("\n") && !text.contains("\u{1B}"))
        #expect(text.hasPrefix("1970-01-01T00:00:00.000 warning "))
        #expect(text.hasSuffix("request=r"))
        let event = ServerSentEvent(name: "log", data: String(decoding: try line.bytes(), as: UTF8.self))
        #expect(LogText.line(of: event) == line)
        #expect(LogText.line(of: ServerSentEvent(name: "other", data: "{}")) == nil)
    }

    @Test func `After the node was away, lines that were shown are not shown again`() {
        func line(_ time: Int64, _ message: String) -> LogMessage.Line {
            LogMessage.Line(
                LogLine(time: WallTime(milliseconds: time), level: .info, label: "kith", message: message))
        }
        let shown = Shown()
        #expect(shown.isNew(line(1, "a")))
        #expect(shown.isNew(line(3, "b")))
        #expect(shown.isNew(line(2, "late, from another thread")))
        shown.watch.returned()
        #expect(!shown.isNew(line(1, "a")))
        #expect(!shown.isNew(line(3, "b")))
        #expect(shown.isNew(line(3, "c")))
        #expect(shown.isNew(line(4, "d")))
    }

    private final class Shown {
        var watch = LogWatch()
        func isNew(_ line: LogMessage.Line) -> Bool { watch.isNew(line) }
    }

    @Test func `Events are one line each, those of routes in words`() {
        let route = ServerSentEvent(
            name: "route",
            data: """
                {"kind":"route","at":"2026-03-01T12:00:03.000000Z","id":"r1","node":"desk","model":"m",\
                "outcome":"completed","continuations":[{"node":"laptop"}],"duration_ms":1200}
                """)
        #expect(EventText.line(route, style: .plain) == "12:00:03 route desk > laptop  m  completed  1.2 s  r1")
        let level = ServerSentEvent(name: "level", data: #"{"at":"2026-03-01T12:00:03Z","source":"a","level":0.5}"#)
        #expect(EventText.line(level, style: .plain) == "12:00:03 level source=a level=0.5")
        #expect(EventText.line(ServerSentEvent(name: "level", data: "no JSON"), style: .plain) == nil)
    }
}
