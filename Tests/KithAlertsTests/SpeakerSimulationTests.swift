// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithAlerts
import KithModel
import Testing

@Suite("One of the kin speaks for the mesh", .timeLimit(.minutes(10)))
struct SpeakerSimulationTests {
    private static let seeds = UInt64(1)...(getenv("KITH_LONG_TESTS") != nil ? 1_000 : 10)

    /// Every node is back and has had time to say what is to be said.
    private static func settle(_ kin: inout SimulatedKin, _ count: Int) {
        for index in 0..<count where !kin.running.contains(index) { kin.restart(index) }
        kin.run(for: .seconds(60))
    }

    @Test("Whoever dies, and in whatever moment, one message tells of an alert, and one that it is over")
    func deaths() throws {
        print("seeds \(Self.seeds)")
        var repeated = 0
        for seed in Self.seeds {
            var kin = try SimulatedKin(count: Int(2 + seed % 4), seed: seed)
            let count = kin.ids.count
            kin.run(for: .seconds(15))
            for isTrue in [true, false] {
                kin.setTrue(isTrue)
                for _ in 0..<3 {
                    kin.run(for: kin.delay(upTo: .seconds(6)))
                    if let speaker = kin.speaker, kin.running.count > 1 { kin.kill(speaker) }
                    kin.run(for: kin.delay(upTo: .seconds(12)))
                    if kin.chance(2) == 0, let dead = (0..<count).first(where: { !kin.running.contains($0) }) {
                        kin.restart(dead)
                    }
                }
                Self.settle(&kin, count)
            }
            #expect(kin.distinct(.firing).count == 1, "seed \(seed): \(kin.receipts.map(\.notice.id))")
            #expect(kin.distinct(.resolved).count == 1, "seed \(seed): \(kin.receipts.map(\.notice.id))")
            #expect(kin.receipts.first?.notice.phase == .firing, "seed \(seed)")
            repeated += kin.receipts.count - 2
        }
        print("\(repeated) messages came again, with the name of the first, from \(Self.seeds.count) runs")
    }

    @Test("While nobody dies no message comes twice, and what is seen again later is told again")
    func quiet() throws {
        print("seeds \(Self.seeds)")
        for seed in Self.seeds {
            var kin = try SimulatedKin(count: Int(1 + seed % 5), seed: seed)
            if seed % 3 == 0 { kin.observers = [kin.chance(kin.ids.count)] }
            if seed % 4 == 0 { kin.speakers = [kin.chance(kin.ids.count)] }
            kin.run(for: .seconds(15))
            for _ in 0..<3 {
                kin.setTrue(true)
                kin.run(for: .seconds(40))
                kin.setTrue(false)
                kin.run(for: .seconds(40))
            }
            let phases = kin.receipts.map(\.notice.phase)
            #expect(phases == [.firing, .resolved, .firing, .resolved, .firing, .resolved], "seed \(seed)")
            #expect(Set(kin.receipts.map(\.notice.id)).count == 6, "seed \(seed)")
        }
    }

    @Test("Parts of a mesh that do not hear each other tell once each, and once together when they do again")
    func partitions() throws {
        print("seeds \(Self.seeds)")
        for seed in Self.seeds {
            var kin = try SimulatedKin(count: Int(3 + seed % 4), seed: seed)
            kin.run(for: .seconds(15))
            let cut = 1 + kin.chance(kin.ids.count - 1)
            let splitFirst = seed % 2 == 0
            if splitFirst { kin.split(Set(0..<cut)) }
            kin.run(for: kin.delay(upTo: .seconds(3)))
            kin.setTrue(true)
            kin.run(for: kin.delay(upTo: .seconds(10)))
            if !splitFirst { kin.split(Set(0..<cut)) }
            kin.run(for: .seconds(40))
            #expect((1...2).contains(kin.distinct(.firing).count), "seed \(seed)")
            kin.heal()
            kin.run(for: .seconds(30))
            let told = kin.receipts.count
            kin.run(for: .seconds(120))
            #expect(kin.receipts.count == told, "seed \(seed): told again after the healing")
            kin.setTrue(false)
            kin.run(for: .seconds(60))
            #expect(kin.distinct(.resolved).count == 1, "seed \(seed): \(kin.receipts.map(\.notice.id))")
            kin.setTrue(true)
            kin.run(for: .seconds(60))
            #expect(kin.receipts.last?.notice.phase == .firing, "seed \(seed): told of the next one too")
        }
    }

    @Test("With a network slower than a speaker waits there may be one message too many, and never none")
    func slow() throws {
        print("seeds \(Self.seeds)")
        for seed in Self.seeds {
            var kin = try SimulatedKin(count: Int(2 + seed % 4), seed: seed)
            let count = kin.ids.count
            kin.longestDelay = .seconds(8)
            kin.run(for: .seconds(15))
            for isTrue in [true, false] {
                kin.setTrue(isTrue)
                for _ in 0..<2 {
                    kin.run(for: kin.delay(upTo: .seconds(10)))
                    if let speaker = kin.speaker, kin.running.count > 1 { kin.kill(speaker) }
                }
                Self.settle(&kin, count)
            }
            #expect((1...4).contains(kin.distinct(.firing).count), "seed \(seed): \(kin.receipts.map(\.notice.id))")
            #expect((1...4).contains(kin.distinct(.resolved).count), "seed \(seed): \(kin.receipts.map(\.notice.id))")
        }
    }

    @Test("However brief an alert is and whoever dies, nobody who was told of it is left without its end")
    func brief() throws {
        print("seeds \(Self.seeds)")
        for seed in Self.seeds {
            var kin = try SimulatedKin(count: Int(2 + seed % 4), seed: seed)
            let count = kin.ids.count
            kin.run(for: .seconds(15))
            for _ in 0..<4 {
                kin.setTrue(true)
                kin.run(for: kin.delay(upTo: .seconds(12)))
                if let speaker = kin.speaker, kin.running.count > 1, kin.chance(2) == 0 { kin.kill(speaker) }
                kin.setTrue(false)
                kin.run(for: kin.delay(upTo: .seconds(12)))
                if let dead = (0..<count).first(where: { !kin.running.contains($0) }) { kin.restart(dead) }
            }
            Self.settle(&kin, count)
            let (begun, ended) = (kin.incidents(.firing), kin.incidents(.resolved))
            #expect(begun.isSubset(of: ended), "seed \(seed): \(kin.receipts.map(\.notice.id))")
        }
    }

    @Test("A speaker whose channels fail leaves the incident to the next")
    func failingChannel() throws {
        print("seeds \(Self.seeds)")
        for seed in Self.seeds {
            var kin = try SimulatedKin(count: 3, seed: seed)
            let first = try #require(kin.speaker)
            kin.refuses = [first]
            kin.run(for: .seconds(15))
            kin.setTrue(true)
            kin.run(for: .seconds(40))
            #expect(kin.receipts.map(\.notice.phase) == [.firing], "seed \(seed)")
            #expect(kin.receipts.first?.sender != first)
            kin.refuses = []
            kin.setTrue(false)
            kin.run(for: .seconds(40))
            #expect(kin.receipts.map(\.notice.phase) == [.firing, .resolved], "seed \(seed)")
        }
    }
}
