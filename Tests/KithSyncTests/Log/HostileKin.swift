// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithSync

/// A kin that says whatever can be said about the shared state.
struct HostileKin {
    /// What it says of the logs of others.
    enum Lies: CaseIterable {
        /// Nothing: it only makes up what it likes of its own, of nodes that do not exist, and of time.
        case none
        /// Writes in their names, numbers that they have not reached, and that what they hold is gone.
        case all
    }

    let node: NodeID
    let lies: Lies
    private(set) var generator: SeededGenerator
    private var sequences: [Replica: UInt64] = [:]

    init(node: NodeID, lies: Lies, seed: UInt64) {
        self.node = node
        self.lies = lies
        generator = SeededGenerator(seed: seed)
    }

    /// - Parameter others: The logs of those that it is kin with.
    mutating func message(about others: [Replica], registers: [RegisterKey], now: WallTime) throws -> SyncMessage {
        var message = SyncMessage(versions: try vector(among: others), isComplete: Bool.random(using: &generator))
        for _ in 0..<number(1...6) {
            message.ranges.append(try range(about: others, registers: registers, now: now))
        }
        message.ranges = Array(
            Dictionary(message.ranges.map { ($0.replica, $0) }, uniquingKeysWith: { first, _ in first }).values)
        guard lies == .all, number(0...9) == 0 else { return message }
        message.floor = try vector(among: others)
        message.holdings = others.map {
            .init(replica: $0, upTo: .random(in: 1...1 << 40, using: &generator), sequences: [])
        }
        return message
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

    private mutating func replica(among others: [Replica]) throws -> Replica {
        switch number(0...9) {
        case 0...5: return Replica(node: node, epoch: UInt64(number(0...40)))
        case 6 where lies == .all:
            let other = others.randomElement(using: &generator)
            return Replica(node: other?.node ?? node, epoch: UInt64(number(0...40)))
        case 7...8 where lies == .all: return others.randomElement(using: &generator) ?? Replica(node: node, epoch: 0)
        default:
            let digest = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            return Replica(node: try #require(NodeID(digest: digest)), epoch: generator.next())
        }
    }

    private mutating func vector(among others: [Replica]) throws -> VersionVector {
        var vector = VersionVector()
        for _ in 0..<number(0...20) {
            vector.raise(try replica(among: others), to: UInt64.random(in: 1...1 << 40, using: &generator))
        }
        return vector
    }

    private mutating func range(
        about others: [Replica], registers: [RegisterKey], now: WallTime
    ) throws -> SyncMessage.Range {
        let replica = try replica(among: others)
        let since = number(0...9) == 0 ? UInt64(number(0...50)) : sequences[replica] ?? 0
        var range = SyncMessage.Range(replica: replica, since: since, upTo: since, operations: [])
        for _ in 0..<number(0...40) {
            range.upTo += UInt64(number(1...3))
            range.operations.append(
                try operation(
                    OperationID(replica: replica, sequence: range.upTo), about: others, registers: registers, now: now))
        }
        if number(0...20) == 0 { range.upTo = UInt64.random(in: range.upTo...UInt64(Int64.max), using: &generator) }
        sequences[replica] = range.upTo > 1 << 50 ? since : range.upTo
        return range
    }

    private mutating func operation(
        _ id: OperationID, about others: [Replica], registers: [RegisterKey], now: WallTime
    ) throws -> KithModel.Operation {
        let register =
            number(0...2) == 0
            ? registers.randomElement(using: &generator) ?? .context("x")
            : RegisterKey.context("x\(number(0...100_000))")
        let skew = [0, 0, 0, 3_600, 1 << 30, -1 << 30][number(0...5)]
        let length = number(0...50) == 0 ? 65_000 : number(1...200)
        return Operation(
            id: id, time: HybridTime(milliseconds: now.advanced(by: .seconds(skew)).milliseconds), register: register,
            source: .named("thief"), value: number(0...4) == 0 ? nil : [UInt8](repeating: 0x31, count: length),
            seen: try vector(among: lies == .all ? others : []))
    }
}
