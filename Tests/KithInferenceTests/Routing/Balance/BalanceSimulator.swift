// SPDX-License-Identifier: Apache-2.0

import KithTesting

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Nodes that serve in the order of arrival, under Poisson arrivals of requests with exponentially many tokens, in
/// simulated time: the same requests for every policy.
struct BalanceSimulator {
    struct Request {
        var number: Int
        /// Seconds.
        var at: Double
        var tokens: Int
        /// Which of the nodes was asked by the client, in setups with several.
        var asker: Int
    }

    struct Outcome {
        /// Seconds between arrival and service, in order; without the warm-up.
        var waits: [Double] = []
        /// Seconds between arrival and end, in order.
        var stays: [Double] = []
        /// Requests of each node.
        var shares: [Int]

        func wait(_ quantile: Double) -> Double { Self.at(quantile, of: waits) }
        func stay(_ quantile: Double) -> Double { Self.at(quantile, of: stays) }
        var meanWait: Double { waits.reduce(0, +) / Double(max(1, waits.count)) }
        var meanStay: Double { stays.reduce(0, +) / Double(max(1, stays.count)) }

        private static func at(_ quantile: Double, of sorted: [Double]) -> Double {
            sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * quantile))]
        }
    }

    /// Tokens a second of one slot of each node.
    var speeds = [400.0, 200, 100]
    var slots = 1
    /// Share of what all nodes can do together.
    var load = 0.8
    var meanTokens = 100.0
    var warmUp = 4_000
    var measured = 20_000
    var askers = 1
    /// A node says this often how much it has to do, and is heard this much later. Seconds.
    var reportInterval = 0.2
    var reportDelay = 0.25
    var seed: UInt64

    func requests() -> [Request] {
        var generator = SeededGenerator(seed: seed)
        let rate = load * speeds.reduce(0, +) * Double(slots) / meanTokens
        var at = 0.0
        return (0..<warmUp + measured).map { number in
            at += Self.exponential(mean: 1 / rate, using: &generator)
            let tokens = Int(Self.exponential(mean: meanTokens, using: &generator).rounded(.up))
            return Request(
                number: number, at: at, tokens: max(1, tokens), asker: Int.random(in: 0..<askers, using: &generator))
        }
    }

    func run(_ policy: inout some BalancePolicy) -> Outcome {
        var outcome = Outcome(shares: speeds.map { _ in 0 })
        var nodes = speeds.map { SimulatedNode(speed: $0, slots: slots) }
        var nextReport = 0.0
        var onTheWay: [(heard: Double, counts: [Int])] = []
        for request in requests() {
            // What happens before the request comes, in the order in which it happens.
            while true {
                let end = nodes.indices.min { nodes[$0].nextEnd < nodes[$1].nextEnd } ?? 0
                let heard = onTheWay.first?.heard ?? .infinity
                let next = min(nodes[end].nextEnd, nextReport, heard)
                guard next <= request.at else { break }
                if next == nodes[end].nextEnd {
                    let served = nodes[end].finish()
                    policy.ended(served, at: end)
                    note(served, in: &outcome)
                } else if next == heard {
                    policy.heard(onTheWay.removeFirst().counts, at: heard)
                } else {
                    onTheWay.append((nextReport + reportDelay, nodes.map(\.count)))
                    nextReport += reportInterval
                }
            }
            let chosen = policy.choose(for: request, among: nodes)
            nodes[chosen].take(request)
            if request.number >= warmUp { outcome.shares[chosen] += 1 }
        }
        for index in nodes.indices {
            while nodes[index].nextEnd < .infinity { note(nodes[index].finish(), in: &outcome) }
        }
        outcome.waits.sort()
        outcome.stays.sort()
        return outcome
    }

    private func note(_ served: SimulatedNode.Served, in outcome: inout Outcome) {
        guard served.request.number >= warmUp else { return }
        outcome.waits.append(served.began - served.request.at)
        outcome.stays.append(served.ended - served.request.at)
    }

    private static func exponential(mean: Double, using generator: inout SeededGenerator) -> Double {
        -mean * log(1 - Double.random(in: 0..<1, using: &generator))
    }
}

/// One engine with slots and a queue.
struct SimulatedNode {
    struct Served {
        var request: BalanceSimulator.Request
        var began: Double
        var ended: Double
    }

    let speed: Double
    let slots: Int
    private var running: [Served] = []
    private var waiting: [BalanceSimulator.Request] = []

    init(speed: Double, slots: Int) {
        self.speed = speed
        self.slots = slots
    }

    var count: Int { running.count + waiting.count }
    var nextEnd: Double { running.map(\.ended).min() ?? .infinity }

    mutating func take(_ request: BalanceSimulator.Request) {
        guard running.count < slots else { return waiting.append(request) }
        start(request, at: request.at)
    }

    mutating func finish() -> Served {
        let first = running.indices.min { running[$0].ended < running[$1].ended } ?? 0
        let served = running.remove(at: first)
        if !waiting.isEmpty { start(waiting.removeFirst(), at: served.ended) }
        return served
    }

    private mutating func start(_ request: BalanceSimulator.Request, at now: Double) {
        running.append(Served(request: request, began: now, ended: now + Double(request.tokens) / speed))
    }
}
