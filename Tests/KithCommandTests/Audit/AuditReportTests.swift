// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

struct AuditReportTests {
    private let line = AuditMessage.Line(
        AuditRecord(
            at: WallTime(milliseconds: 1_772_366_400_000), kind: .clientRefused, subject: nil,
            source: "192.0.2.1\u{1B}[2J",
            reason: "unknown\nforged", count: 7), id: 3)

    @Test func `A line says when, what, how often, from where and why, and nothing in it acts on the terminal`() {
        let lines = AuditReport([line], width: nil, style: .plain).lines
        #expect(lines.last == "2026-03-01 12:00 UTC  client.refused      7  192.0.2.1␛[2J  -        unknown forged")
        #expect(AuditReport.line(line, style: .plain).hasPrefix("2026-03-01 12:00 UTC client.refused 7  192.0.2.1␛[2J"))
    }

    @Test func `An empty trail is said in words`() {
        #expect(AuditReport([], width: 80, style: .plain).lines.count == 1)
    }

    @Test func `Flags become a query; a word stands for all kinds that begin with it`() throws {
        let now = WallTime(milliseconds: 1_772_366_400_000)
        let path = try AuditFlags.path(kinds: "key,peer.forgotten", source: "::1", since: "2h", count: 5, now: now)
        #expect(
            path == "/api/audit?n=5&kind=key.created,key.revoked,peer.forgotten&source=%3A%3A1"
                + "&since=2026-03-01T10%3A00%3A00.000000Z")
        #expect(throws: CommandError.self) {
            try AuditFlags.path(kinds: "moon", source: nil, since: nil, count: 5, now: now)
        }
        #expect(throws: CommandError.self) {
            try AuditFlags.path(kinds: nil, source: nil, since: "soon", count: 5, now: now)
        }
    }
}
