// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing
@testable import KithAPI

@Suite("How far kin agree, as it is told")
struct SyncReportTests {
    private static func id(_ byte: UInt8) throws -> NodeID {
        try #require(NodeID(digest: [UInt8](repeating: byte, count: 32)))
    }

    private static func kin(
        versions: VersionVector? = VersionVector(), behind: UInt64 = 0, ahead: UInt64 = 0, exchanged: WallTime? = nil,
        since: WallTime? = nil
    ) throws -> SyncReport.Kin {
        SyncReport.Kin(
            id: try id(2), versions: versions, behind: behind, ahead: ahead, exchangedAt: exchanged,
            unreachableSince: since, problem: nil)
    }

    @Test("A standing follows from what is known of the other")
    func standings() throws {
        typealias Kin = StateMessage.Sync.Kin
        #expect(try Kin.standing(of: Self.kin()) == .inStep)
        #expect(try Kin.standing(of: Self.kin(behind: 1)) == .behind)
        #expect(try Kin.standing(of: Self.kin(ahead: 1)) == .ahead)
        #expect(try Kin.standing(of: Self.kin(behind: 1, ahead: 1)) == .diverged)
        #expect(try Kin.standing(of: Self.kin(versions: nil)) == .unknown)
        #expect(try Kin.standing(of: Self.kin(versions: nil, since: .epoch)) == .unreachable)
        #expect(try Kin.standing(of: Self.kin(since: .epoch)) == .unreachable)
    }

    @Test("Versions stand under names, and several logs of one node are told apart")
    func versions() throws {
        let (desk, other) = (try Self.id(1), try Self.id(3))
        let vector = VersionVector([
            Replica(node: desk, epoch: 10): 5, Replica(node: desk, epoch: 255): 7, Replica(node: other, epoch: 1): 9,
        ])
        let readable = StateMessage.Sync.readable(vector, names: NodeNames([desk: "desk"]))
        #expect(readable == ["desk/a": 5, "desk/ff": 7, other.description: 9])
    }

    @Test("Ages count from the last exchange, and never below nothing; names stand for ids where there are any")
    func report() throws {
        let own = try Self.id(1)
        let now = WallTime(milliseconds: 60_000)
        let report = SyncReport(
            versions: VersionVector(), operations: 3, quarantined: 1,
            kin: [
                try Self.kin(exchanged: WallTime(milliseconds: 58_500)),
                try Self.kin(exchanged: WallTime(milliseconds: 99_000), since: .epoch),
            ])
        let sync = StateMessage.Sync(report, own: own, names: NodeNames([own: "desk"]), now: now) {
            $0 == own ? 1 : nil
        }
        #expect((sync.node, sync.level, sync.operations, sync.quarantined) == ("desk", 1, 3, 1))
        #expect(Set(sync.kin.map(\.exchangedSecondsAgo)) == [1.5, 0])
        #expect(sync.kin.compactMap(\.unreachableSince) == [WallTime.epoch.rfc3339])
        #expect(sync.kin.allSatisfy { $0.name == $0.id && $0.level == nil })
    }

    @Test("Kin that have exchanged what they know are in step, and their levels are told", .timeLimit(.minutes(2)))
    func inStep() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: EchoEngine(), kin: [desk]) { laptop in
                _ = try await laptop.send(.PUT, "/api/levels/self", #"{"level":4}"#)
                _ = try await desk.send(.PUT, "/api/context/branch", #"{"value":"main"}"#)
                for (node, other) in [(desk, laptop), (laptop, desk)] {
                    let isSo = try await eventually {
                        let sync = try await node.send(.GET, "/api/sync").decode(StateMessage.Sync.self)
                        return sync.kin.map(\.state) == [.inStep] && sync.kin.first?.versions == sync.versions
                            && sync.versions.count == 2 && sync.kin.first?.name == other.name.rawValue
                    }
                    let told = try await node.send(.GET, "/api/sync").text
                    #expect(isSo, "\(told)")
                }
                let sync = try await desk.send(.GET, "/api/sync").decode(StateMessage.Sync.self)
                #expect(sync.kin.first?.level == 4)
                #expect(sync.operations == 2)
            }
        }
    }
}
