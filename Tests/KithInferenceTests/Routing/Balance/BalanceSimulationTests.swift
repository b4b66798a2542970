// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

/// Twenty thousand requests at 80 % of what three nodes of speeds 4 : 2 : 1 can do, the counts of kin a quarter of a
/// second late; the same arrivals for everyone.
@Suite("Balance in simulation")
struct BalanceSimulationTests {
    private static func run(
        _ policy: some BalancePolicy, _ name: String, in simulator: BalanceSimulator
    ) -> BalanceSimulator.Outcome {
        var policy = policy
        let outcome = simulator.run(&policy)
        func text(_ seconds: Double) -> String { "\(Int((seconds * 1_000).rounded())) ms" }
        print(
            "\(simulator.slots) slots, \(simulator.askers) asking, seed \(simulator.seed), \(name):",
            "wait p99 \(text(outcome.wait(0.99))), mean \(text(outcome.meanWait));",
            "whole p99 \(text(outcome.stay(0.99))), mean \(text(outcome.meanStay)); shares \(outcome.shares)")
        return outcome
    }

    @Test(
        "The slowest percent waits hardly longer than with perfect knowledge, and less than with the simple policies",
        arguments: [(1, 1), (1, 2), (4, 1), (4, 2), (4, 3)])
    func balance(slots: Int, askers: Int) {
        var simulator = BalanceSimulator(seed: 1)
        simulator.slots = slots
        simulator.askers = askers
        let perfect = Self.run(PerfectKnowledge(), "perfect knowledge", in: simulator)
        let roundRobin = Self.run(RoundRobin(), "round-robin", in: simulator)
        let leastConnections = Self.run(
            LeastConnections(generator: SeededGenerator(seed: 2)), "least connections", in: simulator)
        for answersItself in [false, true] {
            let kith = Self.run(
                KithRouters(simulator, answersItself: answersItself),
                answersItself ? "kith, asked at the nodes" : "kith", in: simulator)
            #expect(kith.wait(0.99) <= perfect.wait(0.99) * 1.5)
            #expect(kith.wait(0.99) < leastConnections.wait(0.99))
            #expect(kith.wait(0.99) < roundRobin.wait(0.99))
        }
    }

    @Test("Reports that are younger or much older than is assumed do little harm", arguments: [0, 0.7], [1, 4])
    func otherDelays(delay: Double, slots: Int) {
        var simulator = BalanceSimulator(seed: 6)
        simulator.slots = slots
        simulator.askers = 2
        simulator.reportDelay = delay
        let perfect = Self.run(PerfectKnowledge(), "perfect knowledge", in: simulator)
        let kith = Self.run(KithRouters(simulator), "kith, heard after \(delay) s", in: simulator)
        #expect(kith.wait(0.99) <= perfect.wait(0.99) * 2)
    }

    @Test("Under a light load answers come sooner than with the shortest wait alone", arguments: [1, 4])
    func lightLoad(slots: Int) {
        var simulator = BalanceSimulator(seed: 3)
        simulator.slots = slots
        simulator.load = 0.3
        let perfect = Self.run(PerfectKnowledge(), "perfect knowledge, light", in: simulator)
        let kith = Self.run(KithRouters(simulator), "kith, light", in: simulator)
        #expect(kith.meanStay < perfect.meanStay * 1.05)
    }

    @Test("A common beginning of all conversations does not unbalance the nodes much")
    func commonPrefix() {
        let simulator = BalanceSimulator(seed: 4)
        let instructions = ChatMessage(.system, String(repeating: "Be brief. ", count: 200))
        let prefix = PrefixBlocks(ChatRequest(messages: [instructions]))
        let without = Self.run(KithRouters(simulator), "kith", in: simulator)
        let with = Self.run(KithRouters(simulator, prefix: prefix), "kith, one beginning for all", in: simulator)
        #expect(with.wait(0.99) <= without.wait(0.99) * 1.5)
    }

    @Test("A node that fails at once gets next to nothing")
    func failingFast() {
        var simulator = BalanceSimulator(seed: 5)
        simulator.load = 0.3  // of all three; the two that work are 70 % busy
        var policy = KithRouters(simulator)
        policy.failing = 0
        let outcome = simulator.run(&policy)
        print("seed \(simulator.seed), attempts at a node that fails: \(policy.failures) of \(outcome.waits.count)")
        #expect(policy.failures * 50 < outcome.waits.count)
        #expect(outcome.shares[0] == 0)
    }
}
