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
        /// Tokens of its prompt.
        var prompt = 0
        /// Which of the nodes was asked by the client, in setups with several.
        var asker: Int
    }

    struct Outcome {
        /// Seconds between arrival and service, in order; without the warm-up.
        var waits: [Double] = []
        /// Seconds between arrival and end, in order.
        var stays: [Double] = []
        /// Seconds between arrival and first token.
        var firsts: [Double] = []
        /// Requests of each node, and how often each loaded its model.
        var shares: [Int]
        var loads: [Int]

        func wait(_ quantile: Double) -> Double { Self.at(quantile, of: waits) }
        func stay(_ quantile: Double) -> Double { Self.at(quantile, of: stays) }
        var meanWait: Double { waits.reduce(0, +) / Double(max(1, waits.count)) }
        var meanFirst: Double { firsts.reduce(0, +) / Double(max(1, firsts.count)) }
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
    var meanPrompt = 0.0
    /// Tokens of a prompt that each node reads in a second; endless where it is not said.
    var readSpeeds: [Double] = []
    /// Seconds that each node takes to load its model, which it keeps for so long after a request.
    var loadTimes: [Double] = []
    var keptFor = Double.infinity
    var warmUp = 4_000
    var measured = 20_000
    var askers = 1
    /// A node says this often how much it has to do, and is heard this much later. Seconds.
    var reportInterval = 0.2
    var reportDelay = 0.25
    var seed: UInt64

    /// What each node can do, without the loading of models.
    private var rate: Double {
        let each = speeds.indices.map { place in
            Double(slots)
                / (meanTokens / speeds[place] + meanPrompt / (readSpeeds.isEmpty ? .infinity : readSpeeds[place]))
        }
        return load * each.reduce(0, +)
    }

    var requestsAMinute: Double { rate * 60 }

    func requests() -> [Request] {
        var generator = SeededGenerator(seed: seed)
        let rate = rate
        var at = 0.0
        return (0..<warmUp + measured).map { number in
            at += Self.exponential(mean: 1 / rate, using: &generator)
            let tokens = Int(Self.exponential(mean: meanTokens, using: &generator).rounded(.up))
            let asker = Int.random(in: 0..<askers, using: &generator)
            // Most prompts are short, and a few very long.
            let prompt =
                meanPrompt > 0
                ? Int(
                    Self.exponential(mean: 1, using: &generator) * Self.exponential(mean: meanPrompt, using: &generator)
                ) : 0
            return Request(number: number, at: at, tokens: max(1, tokens), prompt: prompt, asker: asker)
        }
    }

    func run(_ policy: inout some BalancePolicy) -> Outcome {
        var outcome = Outcome(shares: speeds.map { _ in 0 }, loads: speeds.map { _ in 0 })
        var nodes = speeds.indices.map { place in
            SimulatedNode(
                speed: speeds[place], slots: slots, readSpeed: readSpeeds.isEmpty ? .infinity : readSpeeds[place],
                loadTime: loadTimes.isEmpty ? 0 : loadTimes[place], keptFor: keptFor)
        }
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
        outcome.loads = nodes.map(\.loads)
        outcome.waits.sort()
        outcome.stays.sort()
        return outcome
    }

    private func note(_ served: SimulatedNode.Served, in outcome: inout Outcome) {
        guard served.request.number >= warmUp else { return }
        outcome.waits.append(served.began - served.request.at)
        outcome.stays.append(served.ended - served.request.at)
        outcome.firsts.append(served.spoke - served.request.at)
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
        /// When the first token came.
        var spoke: Double
        var ended: Double
    }

    let speed: Double
    let slots: Int
    let readSpeed: Double
    let loadTime: Double
    let keptFor: Double
    private(set) var loads = 0
    private var running: [Served] = []
    private var waiting: [BalanceSimulator.Request] = []
    /// When its model will be in memory, or has been, and until when it stays there if nothing comes.
    private var loaded = (at: 0.0, until: 0.0)

    init(speed: Double, slots: Int, readSpeed: Double, loadTime: Double, keptFor: Double) {
        self.speed = speed
        self.slots = slots
        self.readSpeed = readSpeed
        self.loadTime = loadTime
        self.keptFor = keptFor
    }

    var count: Int { running.count + waiting.count }
    var nextEnd: Double { running.map(\.ended).min() ?? .infinity }

    func isResident(at now: Double) -> Bool { loadTime == 0 || !running.isEmpty || now < loaded.until }

    /// When a request that came now would be whole.
    func end(of request: BalanceSimulator.Request, at now: Double) -> Double {
        var ends = running.map(\.ended)
        for waiting in waiting + [request] {
            let start = ends.count < slots ? now : ends.sorted()[ends.count - slots]
            ends.append(start + time(for: waiting))
        }
        return (ends.last ?? now) + (isResident(at: now) ? max(0, loaded.at - now) : loadTime)
    }

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

    private func time(for request: BalanceSimulator.Request) -> Double {
        Double(request.prompt) / readSpeed + Double(request.tokens) / speed
    }

    private mutating func start(_ request: BalanceSimulator.Request, at now: Double) {
        if !isResident(at: now) {
            loads += 1
            loaded.at = now + loadTime
        }
        let loading = max(0, loaded.at - now)
        let spoke = now + loading + Double(request.prompt) / readSpeed
        let ended = now + loading + time(for: request)
        loaded.until = max(loaded.until, ended + keptFor)
        running.append(Served(request: request, began: now, spoke: spoke, ended: ended))
    }
}
