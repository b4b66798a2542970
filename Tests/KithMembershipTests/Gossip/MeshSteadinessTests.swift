// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("A simulated mesh in ordinary times", .timeLimit(.minutes(30)))
struct MeshSteadinessTests {
    /// Set `KITH_LONG_TESTS` for ten times as many node-minutes.
    static let isLong = getenv("KITH_LONG_TESTS") != nil

    struct Case: CustomTestStringConvertible, Sendable {
        var count: Int
        var loss: Double
        /// Of the share of all node-minutes.
        var share: Double
        var testDescription: String { "\(count) nodes, \(Int(loss * 100)) % loss" }
    }

    @Test(
        "Nobody alive is found dead at up to five percent loss",
        arguments: [
            Case(count: 2, loss: 0.05, share: 0.15), Case(count: 3, loss: 0.05, share: 0.15),
            Case(count: 5, loss: 0.03, share: 0.1), Case(count: 9, loss: 0.05, share: 0.2),
            Case(count: 50, loss: 0.05, share: 0.4),
        ])
    func noFalseDeath(_ test: Case) {
        print("seed 11")
        let nodeMinutes = (Self.isLong ? 10_000.0 : 1_000.0) * test.share
        var mesh = SimulatedMesh(count: test.count, seed: 11)
        mesh.loss = test.loss
        mesh.run(for: .seconds(60 * nodeMinutes / Double(test.count)))
        let suspicions = mesh.noted.count { $0.kind == .suspected }
        print(
            "\(test.testDescription), \(nodeMinutes) node-minutes: \(mesh.deaths.count) false deaths, "
                + "\(suspicions) suspicions, \(mesh.messages) messages")
        #expect(mesh.deaths.isEmpty, "\(mesh.deaths.prefix(3))")
    }

    @Test("The messages of a node do not grow with the mesh")
    func flatTraffic() {
        print("seed 12")
        var rates: [Double] = []
        for count in [9, 64, 200] {
            var mesh = SimulatedMesh(count: count, seed: 12)
            mesh.run(for: .seconds(15))
            mesh.resetCounts()
            mesh.countsBytes = true
            mesh.run(for: .seconds(60))
            let nodeSeconds = Double(count) * 60
            rates.append(Double(mesh.messages) / nodeSeconds)
            print(
                "\(count) nodes: \(Double(mesh.messages) / nodeSeconds) messages and "
                    + "\(Double(mesh.bytes) / nodeSeconds) bytes per node and second")
        }
        let most = rates.max() ?? .infinity
        let least = rates.min() ?? 0
        #expect(most <= least * 1.2)
    }

    @Test("Load that changes all the time costs a bounded number of messages, and arrives", arguments: [2, 5, 9, 50])
    func changingLoad(count: Int) {
        print("seed 17")
        var mesh = SimulatedMesh(count: count, seed: 17)
        mesh.run(for: .seconds(10))
        mesh.resetCounts()
        mesh.countsBytes = true
        for second in 0..<30 {
            for index in 0..<count {
                mesh.call(index) { $0.setPayload(Array("load \(second) of \(index)".utf8), now: $1) ?? [] }
            }
            mesh.run(for: .seconds(1))
        }
        let nodeSeconds = Double(count) * 30
        print(
            "\(count) nodes with changing load: \(Double(mesh.messages) / nodeSeconds) messages and "
                + "\(Double(mesh.bytes) / nodeSeconds) bytes per node and second")
        #expect(Double(mesh.messages) / nodeSeconds < 20)
        // A rumour is told so often that hardly anybody misses it; who does learns it when all is compared.
        mesh.run(for: .seconds(5))
        #expect(outdated(in: mesh, count) <= count * (count - 1) / 200)
        mesh.run(for: .seconds(35))
        #expect(outdated(in: mesh, count) == 0)
    }

    /// How often a node does not know the last load of another.
    private func outdated(in mesh: SimulatedMesh, _ count: Int) -> Int {
        (0..<count).reduce(0) { sum, observer in
            sum
                + (0..<count).count { subject in
                    let payload = mesh.nodes[observer].value.member(.numbered(subject))?.payload ?? []
                    return subject != observer
                        && String(decoding: payload, as: UTF8.self) != "load 29 of \(subject)"
                }
        }
    }

    @Test("A node that is slow to answer is not found dead", arguments: [2, 5, 9])
    func overloaded(count: Int) {
        print("seed 13")
        var mesh = SimulatedMesh(count: count, seed: 13)
        mesh.run(for: .seconds(5))
        mesh.slow(0, by: .milliseconds(700))
        mesh.run(for: .seconds(120))
        #expect(mesh.deaths.isEmpty, "\(mesh.deaths.prefix(3))")
    }

    @Test("A node that stops for two seconds again and again is not found dead", arguments: [2, 5, 9])
    func stuttering(count: Int) {
        print("seed 14")
        var mesh = SimulatedMesh(count: count, seed: 14)
        mesh.run(for: .seconds(5))
        for _ in 0..<30 {
            mesh.pause(0, for: .seconds(2))
            mesh.run(for: .seconds(4))
        }
        #expect(mesh.deaths.isEmpty, "\(mesh.deaths.prefix(3))")
    }

    @Test("A laptop that slept for a week finds everybody alive, and is alive to them, within two seconds")
    func week() {
        print("seed 15")
        var mesh = SimulatedMesh(count: 5, seed: 15)
        mesh.run(for: .seconds(5))
        // The others are spared a week of simulated seconds: an hour is the same to them.
        mesh.pause(0, for: .seconds(3_600))
        mesh.jump(0, by: .seconds(7 * 86_400))
        mesh.run(for: .seconds(3_600) - .milliseconds(1))
        #expect(mesh.all(hold: 0, toBe: .dead))
        let before = mesh.noted.count
        mesh.run(for: .seconds(2))
        #expect(mesh.agrees, "\(mesh.disagreements)")
        mesh.run(for: .seconds(60))
        #expect(mesh.agrees, "\(mesh.disagreements)")
        #expect(!mesh.noted.dropFirst(before).contains { if case .died = $0.kind { true } else { false } })
    }

    @Test("What only one direction lets through is enough for a third to know the truth")
    func oneWay() {
        print("seed 16")
        var mesh = SimulatedMesh(count: 4, seed: 16)
        mesh.run(for: .seconds(5))
        mesh.isOpen = { !($0 == 0 && $1 == 1) }
        mesh.run(for: .seconds(120))
        #expect(mesh.agrees, "\(mesh.disagreements)")
        #expect(mesh.deaths.isEmpty)
    }
}
