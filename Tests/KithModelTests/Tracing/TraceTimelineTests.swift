// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import Testing

@Suite("The timeline of a trace")
struct TraceTimelineTests {
    private func span(
        _ name: String, _ id: UInt64, under parent: UInt64? = nil, from began: Int64, for duration: Int64
    ) throws -> SpanSnapshot {
        SpanSnapshot(
            name: name, trace: try #require(TraceID(high: 1, low: 2)), id: try #require(SpanID(rawValue: id)),
            parent: parent.flatMap { SpanID(rawValue: $0) }, began: began, duration: duration)
    }

    @Test(arguments: [-3_600_000_000_000, 0, 3_600_000_000_000] as [Int64])
    func `What a kin did lies in the middle of the wait for it, whatever its clock says`(offset: Int64) throws {
        let own = [
            try span("request", 1, from: 10_000_000_000_000, for: 1_000),
            try span("attempt", 2, under: 1, from: 10_000_000_000_100, for: 800),
        ]
        let kin = [
            try span("serve", 3, under: 2, from: 10_000_000_000_000 + offset, for: 600),
            try span("engine", 4, under: 3, from: 10_000_000_000_050 + offset, for: 500),
        ]
        let rows = TraceTimeline([("desk", own), ("laptop", kin)]).rows
        #expect(rows.map(\.span.name) == ["request", "attempt", "serve", "engine"])
        #expect(rows.map(\.depth) == [0, 1, 2, 3])
        #expect(rows.map(\.start) == [0, 100, 200, 250])
        #expect(rows.map(\.node) == ["desk", "desk", "laptop", "laptop"])
    }

    @Test func `Siblings stand in the order in which they began`() throws {
        let spans = [
            try span("request", 1, from: 0, for: 100), try span("second", 2, under: 1, from: 50, for: 10),
            try span("first", 3, under: 1, from: 10, for: 10),
        ]
        #expect(TraceTimeline([("desk", spans)]).rows.map(\.span.name) == ["request", "first", "second"])
    }

    @Test func `A span whose parent is not known stands at the top`() throws {
        let rows = TraceTimeline([("laptop", [try span("serve", 3, under: 99, from: 5, for: 10)])]).rows
        #expect(rows.map(\.depth) == [0])
        #expect(rows.map(\.start) == [0])
    }

    @Test func `Circles, repetitions and absurd times of another node do no harm`() throws {
        let own = [try span("request", 1, from: 0, for: 10)]
        let huge = Int64(1) << 62
        let kin = [
            try span("a", 2, under: 3, from: huge, for: huge), try span("b", 3, under: 2, from: 0, for: huge),
            try span("c", 4, under: 4, from: huge, for: huge), try span("twin", 1, from: 7, for: 7),
            try span("d", 5, under: 1, from: huge, for: huge),
        ]
        let others = [try span("e", 6, under: 5, from: 0, for: huge), try span("f", 7, under: 6, from: huge, for: 0)]
        let rows = TraceTimeline([("desk", own), ("laptop", kin), ("phone", others), ("laptop", kin)]).rows
        #expect(Set(rows.map(\.span.id)).count == rows.count)
        #expect(rows.contains { $0.span.name == "f" })
    }

    @Test func `A snapshot is told and read again`() throws {
        var told = try span("attempt", 2, under: 1, from: 5, for: 7)
        told.request = RequestID(rawValue: "my-request")
        told.attributes = ["kith.node": "laptop", "gen_ai.usage.output_tokens": 3]
        told.moments = [.init(name: "first token", at: 6)]
        #expect(try JSONDecoder().decode(SpanSnapshot.self, from: try JSONEncoder().encode(told)) == told)
    }
}
