// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("Conversations for people")
struct SessionsReportTests {
    private func summary() throws -> SessionSummary {
        SessionSummary(
            id: try #require(SessionID("kitchen \u{202E}")), createdAt: .epoch,
            lastUsedAt: WallTime(milliseconds: 1_790_000_000_000), turnCount: 3)
    }

    @Test("Each has its name, its turns, when it was used last and where it is")
    func list() throws {
        let node = try #require(NodeName("desk"))
        let lines = SessionsReport(
            [SessionMessage.Summary(try summary(), node: node)], width: nil, style: .plain
        ).lines
        #expect(
            lines == ["SESSION    TURNS  LAST USED             NODE", "kitchen �      3  2026-09-21 14:13 UTC  desk"])
        #expect(SessionsReport([], width: nil, style: .plain).lines.count == 1)
    }

    @Test("What was said stands under who said it, and cannot move the cursor")
    func transcript() throws {
        let node = try #require(NodeName("desk"))
        let turns = [
            ConversationTurn(role: .user, text: "two\nlines", time: .epoch),
            ConversationTurn(role: .assistant, text: "\u{1B}[2Jyes", time: .epoch, model: "m:1", node: node),
        ]
        let session = SessionMessage.Session(try summary(), node: node, turns: turns, isCut: true)
        #expect(
            SessionsReport.transcript(session, style: .plain) == [
                "… older turns are left out", "user  1970-01-01 00:00 UTC", "  two", "  lines",
                "assistant (m:1) at desk  1970-01-01 00:00 UTC", "  ␛[2Jyes",
            ])
    }
}
