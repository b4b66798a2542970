// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@Suite("Which of two copies of a conversation holds all of the other")
struct SessionExportTests {
    /// The exchanges of a range, of a conversation that has had as many as the range ends with.
    private func conversation(_ exchanges: Range<Int>, from tag: String = "") throws -> SessionExport {
        let id = try #require(SessionID("kitchen"))
        let turns = exchanges.flatMap { number in
            [
                SessionExport.Turn(
                    turn: ConversationTurn(role: .user, text: "\(tag)q\(number)", time: .epoch), outcome: nil),
                SessionExport.Turn(
                    turn: ConversationTurn(role: .assistant, text: "\(tag)a\(number)", time: .epoch),
                    outcome: .completed),
            ]
        }
        return SessionExport(
            id: id, createdAt: .epoch, lastUsedAt: .epoch, turnCount: exchanges.upperBound, turns: turns)
    }

    @Test(
        "A copy covers another that ends before it or with it, whatever each has dropped of its beginning",
        arguments: [
            (0..<3, 0..<3, true), (0..<3, 0..<2, true), (0..<2, 0..<3, false), (5..<9, 0..<8, true),
            (0..<9, 5..<9, true), (5..<9, 3..<12, false), (5..<9, 0..<5, false), (5..<9, 0..<3, false),
        ])
    func covers(ours: Range<Int>, theirs: Range<Int>, covers: Bool) throws {
        #expect(try conversation(ours).covers(conversation(theirs)) == covers)
    }

    @Test("Copies with other words, or as many words counted otherwise, cover each other never")
    func unrelated() throws {
        let (here, there) = (try conversation(0..<3), try conversation(0..<2, from: "other "))
        #expect(!here.covers(there) && !there.covers(here))
        var counted = here
        counted.turnCount = 7
        #expect(!here.covers(counted) && !counted.covers(here))
        var absurd = here
        absurd.turnCount = .max
        #expect(!here.covers(absurd))
        #expect(!absurd.covers(here))
        absurd.turnCount = .min
        #expect(absurd.covers(absurd))
    }
}
