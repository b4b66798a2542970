// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting

/// Says which node a request goes to.
protocol BalancePolicy {
    /// - Parameter nodes: How things are; what a policy does not know of it, it must not look at.
    mutating func choose(for request: BalanceSimulator.Request, among nodes: [SimulatedNode]) -> Int
    mutating func ended(_ served: SimulatedNode.Served, at node: Int)
    mutating func heard(_ counts: [Int], at time: Double)
}

extension BalancePolicy {
    mutating func ended(_ served: SimulatedNode.Served, at node: Int) {}
    mutating func heard(_ counts: [Int], at time: Double) {}
}

struct RoundRobin: BalancePolicy {
    private var next = 0

    mutating func choose(for request: BalanceSimulator.Request, among nodes: [SimulatedNode]) -> Int {
        next += 1
        return next % nodes.count
    }
}

/// Knows live counts; of several with as few, one at random.
struct LeastConnections: BalancePolicy {
    var generator: SeededGenerator

    mutating func choose(for request: BalanceSimulator.Request, among nodes: [SimulatedNode]) -> Int {
        let fewest = nodes.map(\.count).min() ?? 0
        return nodes.indices.filter { nodes[$0].count == fewest }.randomElement(using: &generator) ?? 0
    }
}

/// Joins the shortest expected wait, knowing true speeds and live counts; of several without a wait, the fastest.
struct PerfectKnowledge: BalancePolicy {
    func choose(for request: BalanceSimulator.Request, among nodes: [SimulatedNode]) -> Int {
        func wait(_ node: SimulatedNode) -> Double {
            Double(max(0, node.count - node.slots + 1)) / Double(node.slots) / node.speed
        }
        return nodes.indices.min { (wait(nodes[$0]), -nodes[$0].speed) < (wait(nodes[$1]), -nodes[$1].speed) } ?? 0
    }
}

/// Goes where the request will be whole first, knowing all speeds, what the others will take, and what is in memory; but not how
/// long its own answer will be, which nobody can know.
struct PerfectPlacement: BalancePolicy {
    var meanTokens: Int

    func choose(for request: BalanceSimulator.Request, among nodes: [SimulatedNode]) -> Int {
        var request = request
        request.tokens = meanTokens
        return nodes.indices.min {
            nodes[$0].end(of: request, at: request.at) < nodes[$1].end(of: request, at: request.at)
        } ?? 0
    }
}

struct AtRandom: BalancePolicy {
    var generator: SeededGenerator

    mutating func choose(for request: BalanceSimulator.Request, among nodes: [SimulatedNode]) -> Int {
        nodes.indices.randomElement(using: &generator) ?? 0
    }
}

/// Nodes that ask with kith's router: each knows its own count and what it heard of the others'.
struct KithRouters: BalancePolicy {
    static let names: [NodeName] = ["a", "b", "c"]

    private var routers: [Router]
    private var reported: [Int]
    private var heardAt = MonotonicInstant.zero
    private let slots: Int
    /// Whether the asking nodes are among those that answer.
    private let answersItself: Bool
    /// What all requests begin with.
    private let prefix: PrefixBlocks
    /// A node that fails every request within milliseconds.
    var failing: Int?
    private(set) var failures = 0

    init(_ simulator: BalanceSimulator, answersItself: Bool = false, prefix: PrefixBlocks = PrefixBlocks()) {
        routers = (0..<simulator.askers).map { Router(generator: SeededGenerator(seed: UInt64($0))) }
        reported = simulator.speeds.map { _ in 0 }
        slots = simulator.slots
        self.answersItself = answersItself
        self.prefix = prefix
    }

    mutating func choose(for request: BalanceSimulator.Request, among nodes: [SimulatedNode]) -> Int {
        let now = MonotonicInstant.seconds(request.at)
        let snapshots = nodes.indices.map { index in
            let isSelf = answersItself && index == request.asker
            return NodeSnapshot.sketch(
                Self.names[index], isSelf: isSelf, resident: nodes[index].isResident(at: request.at) ? nil : [],
                slots: slots,
                outstanding: isSelf ? nodes[index].count : reported[index],
                latency: isSelf ? .zero : .milliseconds(1), takenAt: isSelf ? now : heardAt)
        }
        let wanted = RouteRequest(tokens: request.prompt, prefix: prefix)
        let decision = routers[request.asker].decide(wanted, among: snapshots, now: now)
        for choice in decision.choices {
            routers[request.asker].began(
                request.id, at: choice.candidate, for: wanted, isCold: choice.estimate.coldLoad > .zero, now: now)
            let index = Self.names.firstIndex(of: choice.candidate.name) ?? 0
            guard index == failing else { return index }
            failures += 1
            routers[request.asker].failed(
                request.id, at: choice.candidate, with: ChatError(.engineError, "no"), now: now)
        }
        return 0
    }

    mutating func ended(_ served: SimulatedNode.Served, at node: Int) {
        let cost = EngineCost(
            engineTime: .seconds(served.ended - served.began), readTime: .seconds(served.spoke - served.began),
            promptTokens: served.request.prompt, answerTokens: served.request.tokens)
        routers[served.request.asker].succeeded(
            served.request.id, at: Candidate(node: Self.names[node], model: "m"), cost: cost,
            now: .seconds(served.ended))
    }

    mutating func heard(_ counts: [Int], at time: Double) {
        reported = counts
        heardAt = .seconds(time)
    }
}

extension BalanceSimulator.Request {
    var id: RequestID { RequestID(rawValue: String(number)) }
}
