// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithSync

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Two kin, and a third that says whatever can be said. `KITH_HOSTILE_MESSAGES` makes it say more.
@Suite(.timeLimit(.minutes(60))) struct `Kin of whom one is hostile` {
    private static let messages = ProcessInfo.processInfo.environment["KITH_HOSTILE_MESSAGES"].flatMap(Int.init) ?? 200
    private static let registers: [RegisterKey] = [
        .level(.named("editor")), .context("branch"), .context("file"), .insight("i1"),
    ]

    private struct Scene {
        var logs: [ReplicatedLog] = []
        var disks: [StoredLog] = []
        var now = WallTime(milliseconds: 1_700_000_000_000)
        var slowest = Duration.zero
        private var written = 0
        private var generator: SeededGenerator

        init(seed: UInt64) throws {
            generator = SeededGenerator(seed: seed)
            for index in 0...1 {
                let opened = ReplicatedLog.open(
                    LogSnapshot(), node: try KinSimulation.node(index), epoch: UInt64(index), now: now)
                logs.append(opened.log)
                var disk = StoredLog()
                disk.commit(opened.outcome.transition)
                disks.append(disk)
            }
        }

        var own: [Replica] { logs.map(\.own) }

        mutating func epoch() -> UInt64 { generator.next() }

        mutating func change(_ index: Int, _ step: (inout ReplicatedLog) throws -> LogOutcome) rethrows {
            disks[index].commit(try step(&logs[index]).transition)
        }

        mutating func keep(_ members: [Int], anew: Bool = false) throws {
            let nodes = Set(try members.map(KinSimulation.node))
            for index in logs.indices {
                let fresh = anew ? (epoch(), now) : nil
                change(index) { $0.keep(only: nodes, anew: fresh) }
            }
        }

        mutating func write(_ register: RegisterKey, at index: Int) throws {
            written += 1
            let value = Array("\(written)".utf8)
            let began = ContinuousClock.now
            try change(index) { [now] log in
                try log.write([LocalWrite(register, by: .named("editor"), value: value)], now: now)
            }
            slowest = max(slowest, ContinuousClock.now - began)
        }

        mutating func exchange() throws {
            for _ in 0..<6 {
                for (sender, receiver) in [(0, 1), (1, 0)] {
                    let message = logs[sender].message(for: logs[receiver].versions)
                    let epoch = generator.next()
                    let from = logs[sender].node
                    change(receiver) { [now] in $0.take(message, from: from, epoch: epoch, now: now) }
                }
            }
        }

        mutating func pass(_ seconds: Int) {
            now = now.advanced(by: .seconds(seconds))
            for index in logs.indices { change(index) { [now] in $0.compact(now: now) } }
        }

        func shown(_ register: RegisterKey, at index: Int) -> [String] {
            logs[index].values(of: register).map { String(decoding: $0.value ?? [], as: UTF8.self) }
        }

        /// What is known at a node, without times: a clock takes over those that it hears.
        func held(_ index: Int) -> [RegisterKey: Set<String>] {
            logs[index].registers.mapValues { ids in
                Set(
                    ids.compactMap(logs[index].operation).map {
                        "\($0.id) \($0.source.text) \($0.value ?? []) \($0.seen.sequences.count)"
                    })
            }
        }
    }

    @Test(arguments: UInt64(0)..<3)
    func `hold what they would hold if they had never known it, once it is forgotten`(seed: UInt64) throws {
        print("seed \(seed)")
        var (scene, never) = (try Scene(seed: seed), try Scene(seed: seed))
        var thief = HostileKin(node: try KinSimulation.node(2), lies: .none, seed: seed)
        try scene.keep([0, 1, 2])
        try never.keep([0, 1])
        var generator = SeededGenerator(seed: seed &+ 99)
        for round in 0..<Self.messages {
            let bytes = try thief.message(about: scene.own, registers: Self.registers, now: scene.now).encoded()
            let target = Int.random(in: 0...1, using: &generator)
            try Self.take(bytes, at: target, in: &scene, thief: thief.node)
            guard round.isMultiple(of: 10) else { continue }
            let (register, writer) = (Self.registers[round / 10 % 4], Int.random(in: 0...1, using: &generator))
            try scene.write(register, at: writer)
            try never.write(register, at: writer)
            try scene.exchange()
            try never.exchange()
            scene.pass(5)
            never.pass(5)
        }
        Self.expectBounds(scene, seed: seed)
        print("seed \(seed): slowest write \(scene.slowest), weight \(scene.logs.map(\.shares.weight))")
        try scene.keep([0, 1])
        try scene.exchange()
        for index in 0...1 {
            #expect(scene.held(index) == never.held(index), "seed \(seed)")
            #expect(scene.logs[index].versions == never.logs[index].versions, "seed \(seed)")
            #expect(scene.logs[index].floor == never.logs[index].floor, "seed \(seed)")
            #expect(scene.disks[index].snapshot == scene.logs[index].snapshot, "seed \(seed)")
        }
    }

    @Test(arguments: UInt64(0)..<3)
    func `agree again on what they write once it is forgotten, whatever it said of them`(seed: UInt64) throws {
        print("seed \(seed)")
        var scene = try Scene(seed: seed)
        var thief = HostileKin(node: try KinSimulation.node(2), lies: .all, seed: seed)
        try scene.keep([0, 1, 2])
        var generator = SeededGenerator(seed: seed &+ 99)
        for round in 0..<Self.messages {
            let bytes = try thief.message(about: scene.own, registers: Self.registers, now: scene.now).encoded()
            try Self.take(bytes, at: Int.random(in: 0...1, using: &generator), in: &scene, thief: thief.node)
            guard round.isMultiple(of: 10) else { continue }
            try scene.write(Self.registers[round / 10 % 4], at: Int.random(in: 0...1, using: &generator))
            try scene.exchange()
            scene.pass(5)
        }
        Self.expectBounds(scene, seed: seed)
        try scene.keep([0, 1], anew: true)
        for _ in 0..<5 {
            scene.pass(70)
            try scene.exchange()
        }
        for register in Self.registers { for index in 0...1 { try scene.write(register, at: index) } }
        scene.pass(70)
        try scene.exchange()
        // What either writes now reaches the other.
        for index in 0...1 { try scene.write(.context("last\(index)"), at: index) }
        try scene.exchange()
        for index in 0...1 {
            for register in Self.registers + [.context("last0"), .context("last1")] {
                #expect(!scene.shown(register, at: index).isEmpty, "seed \(seed), \(register)")
                #expect(
                    scene.shown(register, at: 0) == scene.shown(register, at: 1), "seed \(seed), \(register)")
            }
            #expect(!scene.logs[index].authors.keys.contains(thief.node))
        }
    }

    private static func take(_ bytes: [UInt8], at index: Int, in scene: inout Scene, thief: NodeID) throws {
        let members = try #require(scene.logs[index].members).union([scene.logs[index].node])
        // What is malformed is refused as a whole.
        guard let message = try? SyncMessage(decoding: bytes, members: members) else { return }
        let (now, epoch) = (scene.now, scene.epoch())
        for part in message.parts(of: SharedLogWriter.operationLimit) {
            scene.change(index) { $0.take(part, from: thief, epoch: epoch, now: now) }
        }
    }

    private static func expectBounds(_ scene: Scene, seed: UInt64) {
        for log in scene.logs {
            let limits = log.limits
            #expect(log.shares.weight <= limits.weight + 3 * limits.reserve, "seed \(seed)")
            #expect(log.versions.sequences.count <= 3 * 2 * limits.logsPerAuthor, "seed \(seed)")
            #expect(log.quarantined <= 3 * limits.quarantined, "seed \(seed)")
            #expect(log.registers.values.allSatisfy { $0.count <= 3 * 2 * limits.logsPerAuthor }, "seed \(seed)")
        }
    }
}
