// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithSync

/// Some kin that write, go offline, exchange late, twice or in the wrong order, restart, and whose clocks disagree.
struct KinSimulation {
    struct Kin {
        var log: ReplicatedLog
        var disk: StoredLog
        /// Milliseconds by which its clock is wrong.
        var skew: Int64
        /// What it was known to know at some time; asked with, so that answers come that are not needed any more.
        var oldVersions: [VersionVector] = [VersionVector()]
    }

    struct Written {
        let operation: Operation
        /// What the writer knew and wrote over.
        let replaced: Set<OperationID>
    }

    private(set) var kin: [Kin] = []
    private(set) var written: [Written] = []
    private var generator: SeededGenerator
    private var now = WallTime(milliseconds: 1_700_000_000_000)
    private var flying: [(to: Int, message: SyncMessage)] = []
    private var cut: Set<[Int]> = []
    private let registers: [RegisterKey]
    private let limits: LogLimits

    init(seed: UInt64, count: Int, skews: [Int64], removalLife: Duration = .seconds(30 * 86_400)) throws {
        generator = SeededGenerator(seed: seed)
        limits = LogLimits(removalLife: removalLife)
        registers = [.level(.named("editor")), .context("branch"), .context("file"), .insight("i1")]
        for index in 0..<count {
            let node = try Self.node(index)
            let (log, outcome) = ReplicatedLog.open(
                LogSnapshot(), node: node, epoch: UInt64(index), limits: limits, now: now)
            var disk = StoredLog()
            disk.commit(outcome.transition)
            kin.append(Kin(log: log, disk: disk, skew: skews[index % skews.count]))
        }
    }

    static func node(_ index: Int) throws -> NodeID {
        try #require(NodeID(digest: [UInt8](repeating: UInt8(index + 1), count: 32)))
    }

    // MARK: What happens

    mutating func step() throws {
        now = now.advanced(by: .milliseconds(Int64.random(in: 0..<20_000, using: &generator)))
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<7: try write(at: index())
        case 7..<12: send(from: index(), to: index())
        case 12..<16: try deliver()
        case 16: restart(index())
        case 17: cut.formSymmetricDifference([[index(), index()]])
        case 18: compact(index())
        default: kinForgetful()
        }
    }

    private mutating func index() -> Int { Int.random(in: kin.indices, using: &generator) }

    private func time(at index: Int) -> WallTime { now.advanced(by: .milliseconds(kin[index].skew)) }

    private mutating func write(at index: Int) throws {
        let number = Int.random(in: 1...2, using: &generator)
        for _ in 0..<number {
            let register = registers[Int.random(in: registers.indices, using: &generator)]
            let value: [UInt8]? =
                Bool.random(using: &generator) || Bool.random(using: &generator) ? Array("\(written.count)".utf8) : nil
            let log = kin[index].log
            let replaced = written.map(\.operation).filter { known in
                known.register == register && log.versions.covers(known.id)
                    && (log.quarantine[known.id] == nil || known.id.replica == log.own)
            }
            let write = LocalWrite(register, by: .named("s\(Int.random(in: 0..<3, using: &generator))"), value: value)
            let outcome = try kin[index].log.write([write], now: time(at: index))
            guard let operation = outcome.transition.inserted.last else { continue }
            written.append(Written(operation: operation, replaced: Set(replaced.map(\.id))))
            kin[index].disk.commit(outcome.transition)
        }
    }

    private mutating func send(from sender: Int, to receiver: Int) {
        guard sender != receiver, !cut.contains([sender, receiver]) else { return }
        let known = kin[receiver].oldVersions.randomElement(using: &generator) ?? VersionVector()
        let budget = Bool.random(using: &generator) ? SyncBudget.standard : SyncBudget(operations: 2, bytes: 10_000)
        flying.append((receiver, kin[sender].log.message(for: known, budget: budget)))
        if flying.count > 40 { flying.removeFirst() }
    }

    private mutating func deliver() throws {
        guard !flying.isEmpty else { return }
        let place = Int.random(in: flying.indices, using: &generator)
        let (to, message) = Bool.random(using: &generator) ? flying.remove(at: place) : flying[place]
        try take(message, at: to)
    }

    private mutating func take(_ message: SyncMessage, at index: Int) throws {
        let read = try SyncMessage(decoding: message.encoded())
        let outcome = kin[index].log.take(read, epoch: generator.next(), now: time(at: index))
        kin[index].disk.commit(outcome.transition)
    }

    private mutating func restart(_ index: Int) {
        let (log, outcome) = ReplicatedLog.open(
            kin[index].disk.snapshot, node: kin[index].log.node, epoch: generator.next(), limits: limits,
            now: time(at: index))
        kin[index].log = log
        kin[index].disk.commit(outcome.transition)
    }

    private mutating func compact(_ index: Int) {
        let outcome = kin[index].log.compact(now: time(at: index))
        kin[index].disk.commit(outcome.transition)
    }

    private mutating func kinForgetful() {
        let index = index()
        kin[index].oldVersions.append(kin[index].log.versions)
        if kin[index].oldVersions.count > 3 { kin[index].oldVersions.removeFirst() }
    }

    /// All reach all, for as long as it takes.
    mutating func heal() throws {
        cut = []
        while let (to, message) = flying.popLast() { try take(message, at: to) }
        now = now.advanced(by: .seconds(4 * 3_600))
        for _ in 0..<40 where !isSettled {
            for index in kin.indices { compact(index) }
            for sender in kin.indices {
                for receiver in kin.indices where receiver != sender {
                    let known = kin[receiver].log.versions
                    try take(
                        kin[sender].log.message(for: known, budget: SyncBudget(operations: 7, bytes: 9_000)),
                        at: receiver)
                }
            }
        }
    }

    private var isSettled: Bool {
        kin.allSatisfy { $0.log.versions == kin[0].log.versions && $0.log.quarantined == 0 }
    }

    // MARK: What must hold

    /// The values that nobody has written over, by register.
    var expected: [RegisterKey: Set<OperationID>] {
        let replaced = written.reduce(into: Set<OperationID>()) { $0.formUnion($1.replaced) }
        return Dictionary(grouping: written.map(\.operation).filter { !replaced.contains($0.id) && $0.value != nil }) {
            $0.register
        }.mapValues { Set($0.map(\.id)) }
    }

    func held(by index: Int) -> [RegisterKey: Set<OperationID>] {
        let log = kin[index].log
        return log.registers.mapValues { ids in Set(ids.filter { log.operation($0)?.value != nil }) }
            .filter { !$0.value.isEmpty }
    }
}
