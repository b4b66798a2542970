// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("Whether devices are in step, for people")
struct SyncStatusReportTests {
    /// 2026-03-01T14:30:00Z.
    private let now = WallTime(milliseconds: 1_772_375_400_000)

    private func kin(
        _ name: String, _ state: StateMessage.Sync.Standing, behind: UInt64 = 0, ahead: UInt64 = 0, since: String? = nil
    ) -> StateMessage.Sync.Kin {
        StateMessage.Sync.Kin(
            id: "ABC", name: name, state: state, behindBy: behind, aheadBy: ahead, exchangedSecondsAgo: 12,
            unreachableSince: since, problem: since == nil ? nil : "nobody listens there", level: 2.5)
    }

    private func lines(_ kin: [StateMessage.Sync.Kin], quarantined: Int = 0) -> [String] {
        SyncStatusReport(
            StateMessage.Sync(
                node: "desk", level: 1, operations: 120, quarantined: quarantined, versions: [:], kin: kin),
            now: now, width: nil, style: .plain
        ).lines
    }

    @Test("Every standing has its words")
    func words() {
        let lines = lines([
            kin("a", .inStep), kin("b", .behind, behind: 12), kin("c", .ahead, ahead: 3),
            kin("d", .diverged, behind: 1, ahead: 2), kin("e", .unknown),
            kin("f", .unreachable, behind: 4, since: "2026-03-01T14:02:33.000000Z"),
            kin("g", .unreachable, since: "2026-02-28T14:02:33.000000Z"),
        ])
        #expect(lines[0] == "desk  120 writes kept, level 1")
        let expected = [
            "in step", "behind by 12", "ahead by 3", "behind by 1, ahead by 2", "not heard yet",
            "unreachable since 14:02 UTC, behind by 4", "unreachable since 2026-02-28 14:02 UTC",
        ]
        for (line, words) in zip(lines.dropFirst(3), expected) {
            #expect(line.dropFirst(6).hasPrefix(words), "\(line)")
        }
        #expect(lines[3].hasSuffix("2.5       12 s ago"))
        #expect(lines[8].hasSuffix("nobody listens there"))
    }

    @Test("Without kin the way to some is named, and writes from the future are told of")
    func others() {
        #expect(lines([]).last?.contains("kith setup --yes --lan") == true)
        #expect(lines([], quarantined: 3)[1].contains("clocks that run ahead"))
    }

    @Test("Levels are listed by the names of nodes and programs")
    func levels() {
        let time = "2026-03-01T12:00:59.000000Z"
        let levels = [
            StateMessage.Level(source: "ABC-DEF", name: "desk", level: 2.5, writtenAt: time, node: "desk"),
            StateMessage.Level(source: "editor", level: 0.8, writtenAt: time, node: "laptop"),
        ]
        #expect(
            LevelsReport(levels, width: nil, style: .plain).lines == [
                "SOURCE  LEVEL  AT      WRITTEN",
                "desk      2.5  desk    2026-03-01 12:00 UTC",
                "editor    0.8  laptop  2026-03-01 12:00 UTC",
            ])
        #expect(LevelsReport.written(levels[0]) == ["the level of desk is 2.5"])
        #expect(LevelsReport([], width: nil, style: .plain).lines.first?.contains("kith level set") == true)
    }
}

@Suite("Words for the shell")
struct ShellWordTests {
    @Test(
        "A word comes out as one argument",
        arguments: [
            ("branch", "branch"), ("a b", "'a b'"), ("it's", #"'it'\''s'"#), ("", "''"), ("$HOME", "'$HOME'"),
            ("a/b:c@d,e+f-g_h.i", "a/b:c@d,e+f-g_h.i"), ("*", "'*'"), ("é", "'é'"),
        ])
    func quoted(word: String, typed: String) { #expect(ShellWord.quoted(word) == typed) }
}
