// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithSync

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite struct `Kin that write, part and meet again` {
    /// Set `KITH_LONG_TESTS` for two thousand.
    @Test(arguments: 0..<(getenv("KITH_LONG_TESTS") != nil ? 20 : 8))
    func `hold the same afterwards, with nothing lost and both of two who did not know of each other`(batch: Int) throws
    {
        for seed in UInt64(batch * 100)..<UInt64(batch * 100 + 100) {
            var simulation = try KinSimulation(
                seed: seed, count: 2 + Int(seed % 4), skews: [0, 40_000, -90_000, 3_000])
            for _ in 0..<120 { try simulation.step() }
            try simulation.heal()
            expectAgreement(simulation, seed: seed)
        }
    }

    @Test(arguments: 0..<5)
    func `hold the same when the clock of one was hours ahead`(batch: Int) throws {
        for seed in UInt64(batch * 100)..<UInt64(batch * 100 + 100) {
            var simulation = try KinSimulation(seed: seed, count: 3, skews: [0, 3 * 3_600_000, -30_000])
            for _ in 0..<120 { try simulation.step() }
            try simulation.heal()
            expectAgreement(simulation, seed: seed)
        }
    }

    @Test(arguments: 0..<5)
    func `hold the same when removals are forgotten while some are away`(batch: Int) throws {
        for seed in UInt64(batch * 100)..<UInt64(batch * 100 + 100) {
            var simulation = try KinSimulation(
                seed: seed, count: 3, skews: [0, 20_000, -20_000], removalLife: .seconds(120))
            for _ in 0..<150 { try simulation.step() }
            try simulation.heal()
            expectAgreement(simulation, seed: seed)
        }
    }

    private func expectAgreement(_ simulation: KinSimulation, seed: UInt64) {
        let expected = simulation.expected
        for (index, kin) in simulation.kin.enumerated() {
            #expect(kin.log.versions == simulation.kin[0].log.versions, "seed \(seed), kin \(index)")
            #expect(simulation.held(by: index) == expected, "seed \(seed), kin \(index)")
            #expect(kin.disk.snapshot == kin.log.snapshot, "seed \(seed), kin \(index)")
            #expect(kin.log.quarantined == 0, "seed \(seed), kin \(index)")
        }
    }
}
