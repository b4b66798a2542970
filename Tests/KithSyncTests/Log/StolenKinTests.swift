// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithSync

/// What one kin can do to a log by what it sends, and what is left of it.
@Suite struct `A stolen kin and the log that kin share` {
    private static let now = WallTime(milliseconds: 1_700_000_000_000)

    /// A log at which kin 0 writes, with kin 1 and 2 besides; kin 2 was stolen.
    private static func log(_ limits: LogLimits = .standard) throws -> ReplicatedLog {
        var log = ReplicatedLog.open(
            LogSnapshot(), node: try KinSimulation.node(0), epoch: 7, limits: limits, now: now
        ).log
        _ = log.keep(only: [try KinSimulation.node(1), try KinSimulation.node(2)])
        return log
    }

    private static func replica(_ node: Int, epoch: UInt64 = 1) throws -> Replica {
        Replica(node: try KinSimulation.node(node), epoch: epoch)
    }

    private static func operation(
        _ sequence: UInt64, of replica: Replica, _ register: RegisterKey = .context("key"),
        value: String? = "1", at time: WallTime = now, seen: [Replica: UInt64] = [:]
    ) -> KithModel.Operation {
        Operation(
            id: OperationID(replica: replica, sequence: sequence), time: HybridTime(milliseconds: time.milliseconds),
            register: register, source: .named("s"), value: value.map { Array($0.utf8) }, seen: VersionVector(seen))
    }

    private static func message(_ operations: [KithModel.Operation], upTo: UInt64? = nil) -> SyncMessage {
        var ranges: [SyncMessage.Range] = []
        for operation in operations {
            if let last = ranges.indices.last, ranges[last].replica == operation.id.replica {
                ranges[last].operations.append(operation)
                ranges[last].upTo = operation.id.sequence
            } else {
                ranges.append(
                    .init(
                        replica: operation.id.replica, since: operation.id.sequence - 1,
                        upTo: upTo ?? operation.id.sequence, operations: [operation]))
            }
        }
        return SyncMessage(versions: VersionVector(), ranges: ranges)
    }

    private static func write(_ key: String, _ value: String? = "1") -> LocalWrite {
        LocalWrite(.context(key), by: .named("s"), value: value.map { Array($0.utf8) })
    }

    // MARK: What nobody admitted

    @Test func `logs of nodes that nobody admitted are not known, and keep nobody's log out`() throws {
        var log = try Self.log()
        let madeUp = try (0..<4_095).map { number in
            let digest = [UInt8](repeating: 0xEE, count: 30) + [UInt8(number >> 8), UInt8(number & 255)]
            return SyncMessage.Range(
                replica: Replica(node: try #require(NodeID(digest: digest)), epoch: 1), since: 0, upTo: 9,
                operations: [])
        }
        _ = log.take(SyncMessage(versions: VersionVector(), ranges: madeUp), epoch: 1, now: Self.now)
        #expect(log.versions.isEmpty)
        let outcome = log.take(Self.message([Self.operation(1, of: try Self.replica(1))]), epoch: 1, now: Self.now)
        #expect(outcome.refusals.isEmpty)
        #expect(log.count == 1)
    }

    @Test func `one node's made-up logs leave room for the one that it begins itself`() throws {
        var log = try Self.log(LogLimits(logsPerAuthor: 4))
        for epoch in UInt64(1)...20 {
            let operation = Self.operation(1, of: try Self.replica(1, epoch: epoch), .context("k\(epoch)"))
            _ = log.take(Self.message([operation]), from: try KinSimulation.node(2), epoch: 1, now: Self.now)
        }
        #expect(log.versions.sequences.count == 4)
        let own = Self.operation(1, of: try Self.replica(1, epoch: 99), .context("own"))
        let outcome = log.take(Self.message([own]), from: try KinSimulation.node(1), epoch: 1, now: Self.now)
        #expect(outcome.refusals.isEmpty)
        #expect(log.values(of: .context("own")).count == 1)
    }

    @Test func `what a message says of nodes that nobody admitted is not even read into memory`() throws {
        let strangers = try (0..<200).map { Replica(node: try KinSimulation.node(100), epoch: UInt64($0)) }
        let seen = Dictionary(strangers.map { ($0, UInt64(5)) }, uniquingKeysWith: max)
        let kin = try Self.replica(1)
        let stranger = Self.operation(1, of: strangers[0])
        let message = Self.message([Self.operation(1, of: kin, seen: seen), stranger])
        let read = try SyncMessage(decoding: message.encoded(), members: [kin.node])
        #expect(read.ranges.map(\.replica) == [kin])
        #expect(read.ranges.first?.operations.first?.seen.isEmpty == true)
        #expect(read.strangers == [try KinSimulation.node(100)])
    }

    @Test func `a message cannot name more that was seen than is read`() throws {
        let logs = try (0..<256).map { Replica(node: try KinSimulation.node(1), epoch: UInt64($0)) }
        let seen = Dictionary(logs.map { ($0, UInt64(5)) }, uniquingKeysWith: max)
        let operations = try (1...1_100).map {
            Self.operation(UInt64($0), of: try Self.replica(2), .context("k\($0)"), seen: seen)
        }
        #expect(throws: SyncMessageError.malformed) { try SyncMessage(decoding: Self.message(operations).encoded()) }
    }

    // MARK: Shares

    @Test func `who has written more than its share takes nobody else's`() throws {
        var log = try Self.log(LogLimits(ownWeight: 20_000, kinWeight: 20_000, weight: 30_000, ownReserve: 20_000))
        let flood = try (1...100).map { Self.operation(UInt64($0), of: try Self.replica(2), .context("k\($0)")) }
        let outcome = log.take(Self.message(flood), epoch: 1, now: Self.now)
        #expect(outcome.refusals == [.tooMuch(try KinSimulation.node(2))])
        #expect(log.shares.weight <= 20_000)
        // What was left out is asked for again.
        #expect(log.versions[try Self.replica(2)] == UInt64(log.count))
        let honest = Self.message([Self.operation(1, of: try Self.replica(1))])
        #expect(log.take(honest, epoch: 1, now: Self.now).refusals.isEmpty)
        _ = try log.write([Self.write("own")], now: Self.now)
        #expect(log.values(of: .context("own")).count == 1)
    }

    @Test func `however much others have written, a little of each fits, and more of this node's own`() throws {
        var log = try Self.log(LogLimits(ownWeight: 60_000, kinWeight: 60_000, weight: 30_000, reserve: 5_000))
        let flood = try (1...100).map { Self.operation(UInt64($0), of: try Self.replica(2), .context("k\($0)")) }
        _ = log.take(Self.message(flood), epoch: 1, now: Self.now)
        let other = try (1...20).map { Self.operation(UInt64($0), of: try Self.replica(1), .context("o\($0)")) }
        _ = log.take(Self.message(other), epoch: 1, now: Self.now)
        #expect((8...13).contains(log.versions[try Self.replica(1)]))
        for number in 0..<50 { _ = try log.write([Self.write("own\(number)")], now: Self.now) }
        #expect(throws: StateRefusal.self) {
            for number in 0..<200 { _ = try log.write([Self.write("more\(number)")], now: Self.now) }
        }
    }

    @Test func `a flood of one log does not hold back what others lack of another`() throws {
        var log = try Self.log()
        let flood = try (1...500).map { Self.operation(UInt64($0), of: try Self.replica(2), .context("k\($0)")) }
        _ = log.take(Self.message(flood), epoch: 1, now: Self.now)
        _ = log.take(Self.message([Self.operation(1, of: try Self.replica(1))]), epoch: 1, now: Self.now)
        _ = try log.write([Self.write("own")], now: Self.now)
        let message = log.message(for: VersionVector(), budget: SyncBudget(operations: 10, bytes: 100_000))
        #expect(message.ranges.map(\.replica.node) == (try [0, 1, 2].map(KinSimulation.node)))
    }

    @Test func `operations of a clock far ahead wait in a share of their own, and the rest comes later`() throws {
        var log = try Self.log(LogLimits(quarantined: 10))
        let later = Self.now.advanced(by: .seconds(3_600))
        let flood = try (1...30).map {
            Self.operation(UInt64($0), of: try Self.replica(2), .context("k\($0)"), value: nil, at: later)
        }
        #expect(
            log.take(Self.message(flood), epoch: 1, now: Self.now).refusals == [.tooFarAhead(try KinSimulation.node(2))]
        )
        #expect(log.quarantined == 10)
        _ = log.compact(now: later)
        let rest = Self.message(Array(flood[10...]))
        #expect(log.take(rest, epoch: 1, now: later).refusals.isEmpty)
        #expect(log.versions[try Self.replica(2)] == 30)
    }

    @Test func `forgetting old removals takes from whom there are most`() throws {
        var log = try Self.log(LogLimits(removals: 20))
        for number in 1...5 { _ = try log.write([Self.write("own\(number)", nil)], now: Self.now) }
        let later = Self.now.advanced(by: .seconds(60))
        let flood = try (1...50).map {
            Self.operation(UInt64($0), of: try Self.replica(2), .context("k\($0)"), value: nil, at: later)
        }
        _ = log.take(Self.message(flood), epoch: 1, now: later)
        _ = log.compact(now: later)
        #expect(log.removed.count == 20)
        #expect((1...5).allSatisfy { log.removed.contains(.context("own\($0)")) })
    }

    // MARK: Nothing is quadratic, and nobody is silenced

    @Test func `of one log a register holds one value, however many were written without knowing of each other`() throws
    {
        var log = try Self.log()
        let flood = try (1...5_000).map { Self.operation(UInt64($0), of: try Self.replica(2), value: "\($0)") }
        _ = log.take(Self.message(flood), epoch: 1, now: Self.now)
        #expect(log.registers[.context("key")]?.count == 1)
        #expect(log.count == 1)
        // A database that was filled before that was so.
        var stored = log.snapshot
        stored.operations = flood
        let opened = ReplicatedLog.open(stored, node: log.node, epoch: 1, now: Self.now)
        #expect(opened.log.count == 1)
        #expect(opened.outcome.transition.removed.count == 4_999)
    }

    @Test func `who claims to have seen what is not yet written does not silence its writer`() throws {
        var log = try Self.log()
        _ = try log.write([Self.write("key")], now: Self.now)
        let lie = Self.operation(1, of: try Self.replica(2), seen: [log.own: 1 << 60])
        _ = log.take(Self.message([lie]), epoch: 1, now: Self.now)
        _ = try log.write([Self.write("key", "2")], now: Self.now)
        #expect(log.values(of: .context("key")).map(\.id) == [OperationID(replica: log.own, sequence: 2)])
    }

    @Test(arguments: [UInt64(1) << 40, UInt64(Int64.max)])
    func `who claims to know more of this node's log than there is does not use its numbers up`(upTo: UInt64) throws {
        var log = try Self.log()
        _ = try log.write([Self.write("key")], now: Self.now)
        let (former, lie) = (log.own, SyncMessage.Range(replica: log.own, since: 1, upTo: upTo, operations: []))
        for epoch in UInt64(100)..<200 {
            _ = log.take(
                SyncMessage(versions: VersionVector([log.own: upTo]), ranges: [lie]), epoch: epoch, now: Self.now)
        }
        // Once, and not with every claim.
        #expect(log.own == Replica(node: log.node, epoch: 100))
        #expect(log.own != former)
        _ = try log.write([Self.write("other")], now: Self.now)
        #expect(log.versions[log.own] == 2)
        #expect(log.values(of: .context("key")).count == 1)
    }

    @Test func `a floor that was made up does not make every message a whole one`() throws {
        var log = try Self.log()
        _ = log.take(Self.message([Self.operation(1, of: try Self.replica(1))]), epoch: 1, now: Self.now)
        let lie = SyncMessage(
            versions: VersionVector(), floor: VersionVector([try Self.replica(1): 1 << 50]), holdings: [])
        _ = log.take(lie, epoch: 1, now: Self.now)
        #expect(log.message(for: log.versions).holdings == nil)
    }

    @Test func `its word erases nothing that others wrote lately, and the author's own word does`() throws {
        var log = try Self.log()
        let (author, thief) = (try Self.replica(1), try KinSimulation.node(2))
        _ = try log.write([Self.write("own")], now: Self.now)
        _ = log.take(
            Self.message([Self.operation(1, of: author)]), from: author.node, epoch: 1, now: Self.now)
        let lie = SyncMessage(
            versions: log.versions,
            holdings: [log.own, author].map { .init(replica: $0, upTo: 9, sequences: []) })
        _ = log.take(lie, from: thief, epoch: 1, now: Self.now)
        #expect(log.count == 2)
        _ = log.take(lie, from: author.node, epoch: 1, now: Self.now)
        #expect(log.count == 1 && log.values(of: .context("own")).count == 1)
    }

    @Test func `what was removed so long ago that the removal is forgotten goes by anybody's word`() throws {
        var log = try Self.log()
        let author = try Self.replica(1)
        _ = log.take(Self.message([Self.operation(1, of: author)]), from: author.node, epoch: 1, now: Self.now)
        let holdings = [SyncMessage.Holding(replica: author, upTo: 1, sequences: [])]
        _ = log.take(
            SyncMessage(versions: log.versions, holdings: holdings), from: try KinSimulation.node(2), epoch: 1,
            now: Self.now.advanced(by: LogLimits.standard.removalLife + .seconds(1)))
        #expect(log.count == 0)
    }

    @Test func `a message in parts is the same, and no part is larger than asked for`() throws {
        let operations =
            try (1...10).map { Self.operation(UInt64($0), of: try Self.replica(1), .context("a\($0)")) }
            + (1...7).map { Self.operation(UInt64($0), of: try Self.replica(2), .context("b\($0)")) }
        let whole = Self.message(operations)
        let parts = whole.parts(of: 4)
        #expect(parts.allSatisfy { $0.operationCount <= 4 })
        var (one, other) = (try Self.log(), try Self.log())
        _ = one.take(whole, epoch: 1, now: Self.now)
        for part in parts { _ = other.take(part, epoch: 1, now: Self.now) }
        #expect(one.snapshot == other.snapshot)
    }

    // MARK: Forgetting

    @Test func `forgetting a node leaves the log as if it had never written, on disk too`() throws {
        var (log, clean) = (try Self.log(), try Self.log())
        let honest = Self.message([Self.operation(1, of: try Self.replica(1), .context("o"))])
        for index in 0...1 {
            _ =
                index == 0
                ? log.take(honest, epoch: 1, now: Self.now) : clean.take(honest, epoch: 1, now: Self.now)
        }
        var disk = StoredLog()
        disk.restore(log.snapshot)
        let foreign = try (1...40).map {
            Self.operation(UInt64($0), of: try Self.replica(2, epoch: UInt64($0 % 3)), .context("k\($0 % 5)"))
        }
        for operation in foreign {
            disk.commit(log.take(Self.message([operation]), epoch: 1, now: Self.now).transition)
        }
        disk.commit(try log.write([Self.write("k1")], now: Self.now).transition)
        _ = try clean.write([Self.write("k1")], now: Self.now)
        disk.commit(log.keep(only: [try KinSimulation.node(1)]).transition)
        _ = clean.keep(only: [try KinSimulation.node(1)])
        #expect(log.snapshot == clean.snapshot)
        #expect(disk.snapshot == clean.snapshot)
        #expect(log.shares.weight == clean.shares.weight)
        #expect(log.authors.keys.sorted() == (try [0, 1].map(KinSimulation.node)))
    }
}
