// SPDX-License-Identifier: Apache-2.0

@testable import KithCulture
import KithModel
import KithTesting
import Testing

@Suite("Whom a node talks to")
struct PeerChoiceTests {
    private let now = WallTime(milliseconds: 1_000_000)

    private func companions(_ count: Int) -> [Companion] {
        (0..<count).map { Companion(key: "peer-\($0)", reputation: Reputation(at: now)) }
    }

    @Test("With nobody there nobody is chosen, with one that one", arguments: PeerChoice.allCases)
    func few(_ way: PeerChoice) {
        var (choice, generator) = (way.make(), SeededGenerator(seed: 1))
        #expect(choice.choose(among: [], now: now, using: &generator) == nil)
        #expect(choice.choose(among: companions(1), now: now, using: &generator) == 0)
    }

    @Test("Round-robin asks each once before it asks one again, also when one has gone")
    func roundRobin() {
        var (choice, generator) = (RoundRobinChoice(), SeededGenerator(seed: 1))
        var companions = companions(4)
        func next() -> String? {
            choice.choose(among: companions, now: now, using: &generator).map { companions[$0].key }
        }
        #expect([next(), next()] == ["peer-0", "peer-1"])
        companions.remove(at: 1)
        #expect([next(), next(), next()] == ["peer-2", "peer-3", "peer-0"])
    }

    @Test("Random asks all of them about equally often, weighted the better one more often", arguments: UInt64(1)...3)
    func shares(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var companions = companions(2)
        for _ in 0..<20 {
            companions[0].reputation.record(.answered(latency: .zero, novelty: 1, usefulness: 1), at: now)
            companions[1].reputation.record(.absent, at: now)
        }
        func share(_ way: PeerChoice) -> Double {
            var choice = way.make()
            return Double((0..<2_000).count { _ in choice.choose(among: companions, now: now, using: &generator) == 0 })
                / 2_000
        }
        #expect((0.45...0.55).contains(share(.random)))
        #expect((0.7...0.99).contains(share(.weighted)))
        #expect(share(.thompson) > 0.95)
    }

    @Test("Gamma's draws have the mean and the variance of their shape", arguments: [1.0, 2.5, 30])
    func gamma(_ shape: Double) {
        var generator = SeededGenerator(seed: 7)
        let draws = (0..<20_000).map { _ in ThompsonChoice.gamma(shape, using: &generator) }
        let mean: Double = draws.reduce(0, +) / Double(draws.count)
        let squares = draws.map { (draw: Double) -> Double in (draw - mean) * (draw - mean) }
        let variance = squares.reduce(0, +) / Double(draws.count)
        #expect(abs(mean - shape) < 0.05 * shape)
        #expect(abs(variance - shape) < 0.1 * shape)
    }

    @Test("Thompson sampling regrets far less than random over a thousand exchanges", arguments: UInt64(1)...10)
    func regret(_ seed: UInt64) {
        let (thompson, random) = (Regret.of(.thompson, seed: seed), Regret.of(.random, seed: seed))
        #expect(thompson.last! < random.last! / 3, "seed \(seed): \(thompson.last!) against \(random.last!)")
        // Less and less: the second half adds less than the first.
        #expect(thompson.last! - thompson[thompson.count / 2] < thompson[thompson.count / 2])
    }

    @Test("The regret of each way, for docs/benchmarks.md")
    func regrets() {
        for way in PeerChoice.allCases {
            let curves = (1...10).map { Regret.of(way, seed: UInt64($0)) }
            let points = [50, 100, 200, 500, 1_000].map { exchanges -> String in
                let mean: Double = curves.reduce(0) { $0 + $1[exchanges - 1] } / Double(curves.count)
                return "\(Int(mean.rounded()))"
            }
            print(
                "regret of \(way.rawValue) after 50, 100, 200, 500, 1000 exchanges (seeds 1 to 10): \(points.joined(separator: ", "))"
            )
            #expect(curves.allSatisfy { $0.last! >= 0 })
        }
    }

    @Test("One that becomes good after it was bad is found again", arguments: UInt64(1)...5)
    func changing(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var choice = ThompsonChoice()
        var companions = companions(3)
        var late = 0
        for round in 0..<2_000 {
            let time = now.advanced(by: .seconds(600 * round))
            guard let chosen = choice.choose(among: companions, now: time, using: &generator) else { continue }
            let worth = chosen == 2 ? (round < 1_000 ? 0.1 : 0.95) : 0.5
            companions[chosen].reputation.record(
                .answered(latency: .seconds(6), novelty: worth, usefulness: worth), at: time)
            if round >= 1_500, chosen == 2 { late += 1 }
        }
        #expect(late > 350, "seed \(seed): asked \(late) times of the last 500")
    }
}

/// What a way of choosing misses against always asking the best.
enum Regret {
    /// The quality of each of nine peers; answers vary around it.
    static let qualities = [0.1, 0.2, 0.3, 0.35, 0.4, 0.5, 0.55, 0.6, 0.85]

    /// - Returns: The sum of what was missed up to each exchange, ten minutes apart.
    static func of(_ way: PeerChoice, seed: UInt64, exchanges: Int = 1_000) -> [Double] {
        var (choice, generator) = (way.make(), SeededGenerator(seed: seed))
        var now = WallTime(milliseconds: 1_000_000)
        var companions = qualities.indices.map { Companion(key: "peer-\($0)", reputation: Reputation(at: now)) }
        func expected(_ quality: Double) -> Double {
            Reputation.reward(latency: .seconds(6), novelty: quality, usefulness: quality)
        }
        let best = qualities.map(expected).max() ?? 0
        var missed = 0.0
        return (0..<exchanges).map { _ in
            now = now.advanced(by: .seconds(600))
            if let chosen = choice.choose(among: companions, now: now, using: &generator) {
                let quality = qualities[chosen] + .random(in: -0.1...0.1, using: &generator)
                companions[chosen].reputation.record(
                    .answered(latency: .seconds(6), novelty: quality, usefulness: quality), at: now)
                missed += best - expected(qualities[chosen])
            }
            return missed
        }
    }
}
