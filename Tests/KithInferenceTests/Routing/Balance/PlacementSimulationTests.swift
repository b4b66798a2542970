// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

/// Ten thousand requests with prompts of very different length, at machines that make 10 and 58 tokens a second under the same
/// name, read 60 and 1,500, and lose their model from memory when it rests: the same arrivals for everyone.
@Suite("Placement in simulation")
struct PlacementSimulationTests {
    private static func run(
        _ policy: some BalancePolicy, _ name: String, in simulator: BalanceSimulator
    ) -> BalanceSimulator.Outcome {
        var policy = policy
        let outcome = simulator.run(&policy)
        func text(_ seconds: Double) -> String { "\((seconds * 10).rounded() / 10) s" }
        print(
            "10 and 58 tokens/s, \(simulator.requestsAMinute.rounded()) requests a minute, seed \(simulator.seed), \(name):",
            "first token \(text(outcome.meanFirst)), whole \(text(outcome.meanStay)), p99 \(text(outcome.stay(0.99)));",
            "shares \(outcome.shares), loads \(outcome.loads)")
        return outcome
    }

    @Test(
        "What is chosen takes at most a tenth longer than with perfect knowledge, also where the fast machine is busy or cold",
        arguments: [(0.02, 1), (0.02, 4), (0.1, 1), (0.5, 4)])
    func placed(load: Double, slots: Int) {
        var simulator = BalanceSimulator(seed: 8)
        simulator.speeds = [10, 58]
        simulator.readSpeeds = [60, 1_500]
        simulator.loadTimes = [12, 25]
        simulator.keptFor = 60
        simulator.meanPrompt = 300
        simulator.slots = slots
        simulator.load = load
        simulator.reportInterval = max(0.2, 3 / simulator.requestsAMinute)
        (simulator.warmUp, simulator.measured) = (1_000, 10_000)
        let perfect = Self.run(
            PerfectPlacement(meanTokens: Int(simulator.meanTokens)), "perfect knowledge", in: simulator)
        let kith = Self.run(KithRouters(simulator), "kith", in: simulator)
        if load < 0.1 {  // under more, the slow machine's queue grows without end
            let random = Self.run(AtRandom(generator: SeededGenerator(seed: 2)), "random", in: simulator)
            #expect(kith.meanStay < random.meanStay)
        }
        let least = Self.run(
            LeastConnections(generator: SeededGenerator(seed: 2)), "least connections", in: simulator)
        #expect(kith.meanStay <= perfect.meanStay * 1.1)
        #expect(kith.meanStay < least.meanStay)
    }
}
