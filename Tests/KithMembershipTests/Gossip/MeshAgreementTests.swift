// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import Testing

@Suite("Agreement of a simulated mesh", .timeLimit(.minutes(10)))
struct MeshAgreementTests {
    @Test("Nodes that start together know each other within two seconds", arguments: [2, 3, 5, 9, 50, 200])
    func start(count: Int) {
        print("seed 1")
        var mesh = SimulatedMesh(count: count, seed: 1)
        mesh.run(for: .seconds(2))
        #expect(mesh.agrees, "\(mesh.disagreements.prefix(5))")
        #expect(mesh.deaths.isEmpty)
    }

    @Test("Nodes know what each other declares", arguments: [2, 9])
    func declarations(count: Int) {
        print("seed 2")
        var mesh = SimulatedMesh(count: count, seed: 2)
        mesh.run(for: .seconds(2))
        mesh.call(0) { $0.setPayload(Array("busy".utf8), now: $1) ?? [] }
        mesh.run(for: .seconds(2))
        for observer in 1..<count {
            #expect(mesh.nodes[observer].value.member(.numbered(0))?.payload == Array("busy".utf8))
            #expect(mesh.nodes[observer].value.member(.numbered(0))?.addresses.map(\.description) == ["10.0.0.0:7443"])
        }
    }

    struct Trouble: CustomTestStringConvertible, Sendable {
        var count: Int
        var loss: Double
        var seed: UInt64

        var testDescription: String { "\(count) nodes, \(Int(loss * 100)) % loss, seed \(seed)" }
    }

    static let troubles = [
        (3, 0), (3, 0.1), (3, 0.3), (4, 0.2), (5, 0.05), (5, 0.3), (9, 0), (9, 0.15), (9, 0.3), (16, 0.1), (25, 0.3),
        (50, 0.05),
    ].enumerated().map { Trouble(count: $1.0, loss: $1.1, seed: UInt64($0) + 100) }

    /// Half a minute of partitions, pauses and restarts at random.
    private func disturb(_ mesh: inout SimulatedMesh, _ trouble: Trouble, for rounds: Int) {
        var generator = SeededGenerator(seed: trouble.seed)
        mesh.loss = trouble.loss
        for _ in 0..<rounds {
            let victim = Int.random(in: 0..<trouble.count, using: &generator)
            let border = Int.random(in: 1..<trouble.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: mesh.isOpen = { ($0 < border) == ($1 < border) }
            case 1: mesh.isOpen = { from, _ in from != victim }
            case 2: mesh.isOpen = { _, _ in true }
            case 3: mesh.pause(victim, for: .seconds(Int.random(in: 1...20, using: &generator)))
            case 4: mesh.kill(victim)
            default:
                mesh.kill(victim)
                mesh.start(victim)
            }
            mesh.run(for: .seconds(Double.random(in: 0.1...8, using: &generator)))
        }
        mesh.isOpen = { _, _ in true }
        mesh.loss = 0
    }

    @Test("After trouble all live nodes agree on who lives, and in which life", arguments: troubles)
    func trouble(_ trouble: Trouble) {
        print("seed \(trouble.seed)")
        var mesh = SimulatedMesh(count: trouble.count, seed: trouble.seed)
        disturb(&mesh, trouble, for: 12)
        let healed = mesh.now
        let agreed = mesh.run(for: .seconds(40)) { $0.now - healed > .seconds(21) && $0.agrees }
        #expect(agreed, "\(mesh.disagreements.prefix(5))")
        mesh.run(for: .seconds(10))
        #expect(mesh.agrees, "stays so: \(mesh.disagreements.prefix(5))")
    }

    @Test("A large mesh agrees after it was split in two and a quarter of it was restarted", arguments: [100, 200])
    func large(count: Int) {
        print("seed 7")
        var mesh = SimulatedMesh(count: count, seed: 7)
        mesh.run(for: .seconds(3))
        mesh.loss = 0.1
        mesh.isOpen = { ($0 < count / 3) == ($1 < count / 3) }
        mesh.run(for: .seconds(20))
        #expect(mesh.state(of: 0, at: count - 1) == .dead)
        for index in stride(from: 0, to: count, by: 4) {
            mesh.kill(index)
            mesh.start(index)
        }
        mesh.isOpen = { _, _ in true }
        let healed = mesh.now
        mesh.loss = 0
        for _ in 0..<20 where !mesh.agrees { mesh.run(for: .seconds(1)) }
        print("\(count) nodes agree \((mesh.now - healed).seconds) s after healing")
        #expect(mesh.agrees, "\(mesh.disagreements.count): \(mesh.disagreements.prefix(5))")
    }
}
