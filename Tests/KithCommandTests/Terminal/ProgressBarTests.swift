// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import Testing

@Suite("Progress at the terminal")
struct ProgressBarTests {
    @Test func `A bar says how much is done, in percent and in numbers`() {
        let bar = ProgressBar("unpacking", done: 46_000_000, of: 98_362_432, .bytes)
        #expect(bar.line(width: 80) == "unpacking  [=============>                ]  46 %  46 of 98 MB")
        #expect(
            ProgressBar("taking in", done: 500, of: 500, .things("insights")).line(width: 60)
                == "taking in  [====================] 100 %  500 of 500 insights")
    }

    @Test(arguments: [0, 1, 8, 20, 40, 79, 200])
    func `No line is wider than the terminal, whatever the numbers`(_ width: Int) {
        for (done, total) in [(0, 0), (-5, 10), (Int.max, Int.max), (7, nil), (12, 5), (0, 1)] as [(Int, Int?)] {
            for unit: ProgressBar.Unit in [.bytes, .things("writes")] {
                let line = ProgressBar("getting into step", done: done, of: total, unit).line(width: width)
                #expect(line.count <= max(0, width))
                #expect(!line.contains("101 %"))
            }
        }
    }

    private func kin(_ name: String, _ state: StateMessage.Sync.Standing, behind: UInt64 = 0, ahead: UInt64 = 0)
        -> StateMessage.Sync.Kin
    { StateMessage.Sync.Kin(id: "ID-\(name)", name: name, state: state, behindBy: behind, aheadBy: ahead) }

    private func sync(_ kin: StateMessage.Sync.Kin...) -> StateMessage.Sync {
        StateMessage.Sync(node: "desk", level: nil, operations: 0, quarantined: 0, versions: [:], kin: kin)
    }

    private func steps(_ progress: SyncProgress, _ syncs: StateMessage.Sync...) -> [SyncProgress.Step] {
        var progress = progress
        return syncs.map { progress.take($0) }
    }

    @Test func `Devices get into step: nothing is known, writes move, all is there`() {
        let found = steps(
            SyncProgress(with: "ID-laptop"), sync(), sync(kin("laptop", .unknown)),
            sync(kin("laptop", .diverged, behind: 30, ahead: 70), kin("other", .behind, behind: 9)),
            sync(kin("laptop", .ahead, ahead: 25)), sync(kin("laptop", .inStep), kin("other", .behind, behind: 9)))
        #expect(
            found == [
                .waiting, .waiting, .moving(ProgressBar("getting into step", done: 0, of: 100, .things("writes"))),
                .moving(ProgressBar("getting into step", done: 75, of: 100, .things("writes"))), .inStep,
            ])
    }

    @Test func `Waiting for all, those that cannot be reached are named and not waited for`() {
        let found = steps(
            SyncProgress(), sync(), sync(kin("a", .inStep), kin("b", .unreachable, behind: 4)),
            sync(kin("a", .behind, behind: .max), kin("c", .ahead, ahead: .max)))
        #expect(
            found == [
                .inStep, .unreachable(["b"]),
                .moving(ProgressBar("getting into step", done: 0, of: .max, .things("writes"))),
            ])
    }
}
