// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithSync

@Suite struct `A message about the shared state` {
    @Test func `is read as it was written`() throws {
        let message = try Self.sample()
        #expect(try SyncMessage(decoding: message.encoded()) == message)
    }

    @Test func `of another version is refused by its number`() throws {
        var bytes = try Self.sample().encoded()
        bytes[1] = 9
        #expect(throws: SyncMessageError.unknownVersion(9)) { try SyncMessage(decoding: bytes) }
    }

    @Test func `that is cut off anywhere is refused`() throws {
        let bytes = try Self.sample().encoded()
        for length in 0..<bytes.count {
            #expect(throws: SyncMessageError.self) { try SyncMessage(decoding: Array(bytes.prefix(length))) }
        }
    }

    @Test func `longer than the limit is refused before it is read`() {
        let bytes = [UInt8](repeating: SyncMessage.mark, count: SyncBudget.byteLimit + 1)
        #expect(throws: SyncMessageError.tooLong) { try SyncMessage(decoding: bytes) }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `spoilt at random is refused or read, and a log that takes it in goes on working`(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let bytes = try Self.sample().encoded()
        var (log, _) = ReplicatedLog.open(
            LogSnapshot(), node: try KinSimulation.node(7), epoch: 1, now: WallTime(milliseconds: 1_700_000_000_000))
        for _ in 0..<3_000 {
            let spoilt = Mutations.spoil(bytes, using: &generator)
            guard let message = try? SyncMessage(decoding: spoilt) else { continue }
            _ = log.take(message, epoch: generator.next(), now: WallTime(milliseconds: 1_700_000_000_000))
        }
        let outcome = try log.write(
            [LocalWrite(.context("branch"), by: .named("editor"), value: Array("1".utf8))],
            now: WallTime(milliseconds: 1_700_000_000_000))
        #expect(outcome.transition.inserted.count == 1)
    }

    private static func sample() throws -> SyncMessage {
        let (mine, other) = (
            Replica(node: try KinSimulation.node(0), epoch: 1), Replica(node: try KinSimulation.node(1), epoch: .max)
        )
        let time = HybridTime(milliseconds: 1_700_000_000_000, counter: 3)
        let operations = [
            Operation(
                id: OperationID(replica: mine, sequence: 5), time: time, register: .context("branch"),
                source: .named("editor"), value: Array(#""main""#.utf8), seen: VersionVector([other: 3])),
            Operation(
                id: OperationID(replica: mine, sequence: 300), time: time.next, register: .level(.node(mine.node)),
                source: .node(mine.node), value: nil, seen: VersionVector()),
        ]
        return SyncMessage(
            versions: VersionVector([mine: 400, other: 9]), floor: VersionVector([other: 2]), isComplete: false,
            ranges: [SyncMessage.Range(replica: mine, since: 4, upTo: 300, operations: operations)],
            holdings: [SyncMessage.Holding(replica: mine, upTo: 4, sequences: [1, 4])])
    }
}
