// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import Testing

@Suite("Agreement of a simulated mesh", .timeLimit(.minutes(5)))
struct MeshAgreementTests {
    @Test("Nodes that start together know each other within two seconds", arguments: [2, 3, 5, 9, 50, 200])
    func start(count: Int) {
        print("seed 1")
        var mesh = SimulatedMesh(count: count, seed: 1)
        mesh.run(for: .seconds(2))
        #expect(mesh.agrees, "\(mesh.disagreements.prefix(5))")
        #expect(mesh.deaths.isEmpty)
    }
}
