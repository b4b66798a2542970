// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTesting
import Testing

@Suite("How soon a simulated mesh notices", .timeLimit(.minutes(5)))
struct MeshDetectionTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var count: Int
        var seed: UInt64
        var testDescription: String { "\(count) nodes, seed \(seed)" }
    }

    static let cases = [2, 3, 5, 9].flatMap { count in
        (1...(MeshSteadinessTests.isLong ? 100 : 5)).map { Case(count: count, seed: UInt64($0)) }
    }

    private func settled(_ test: Case) -> SimulatedMesh {
        print("seed \(test.seed)")
        var mesh = SimulatedMesh(count: test.count, seed: test.seed)
        mesh.run(for: .seconds(5) + .milliseconds(137 * test.seed))
        return mesh
    }

    @Test("A killed process is dead to everyone within three seconds", arguments: cases)
    func killed(_ test: Case) {
        var mesh = settled(test)
        let killed = mesh.now
        mesh.kill(0)
        #expect(mesh.run(for: .seconds(3)) { $0.all(hold: 0, toBe: .dead) })
        print("killed: \(test.count) nodes, known after \((mesh.now - killed).seconds) s")
    }

    @Test("Also when no broken channel told of it", arguments: cases)
    func killedUnnoticed(_ test: Case) {
        var mesh = settled(test)
        mesh.reportsBrokenChannels = false
        let killed = mesh.now
        mesh.kill(0)
        #expect(mesh.run(for: .seconds(3)) { $0.all(hold: 0, toBe: .dead) })
        print("killed, no channel: \(test.count) nodes, known after \((mesh.now - killed).seconds) s")
    }

    @Test("A node that is cut off is dead to the others, and they to it, within ten seconds", arguments: cases)
    func cutOff(_ test: Case) {
        var mesh = settled(test)
        let cut = mesh.now
        mesh.isOpen = { $0 != 0 && $1 != 0 }
        let others = 1..<test.count
        #expect(mesh.run(for: .seconds(10)) { mesh in others.allSatisfy { mesh.state(of: 0, at: $0) == .dead } })
        let known = mesh.now
        #expect(
            mesh.run(for: .seconds(10) - (known - cut)) { mesh in
                others.allSatisfy { mesh.state(of: $0, at: 0) == .dead }
            })
        print(
            "cut: \(test.count) nodes, known after \((known - cut).seconds) s, to itself \((mesh.now - cut).seconds) s")
    }

    @Test("A node that comes back in a new life is in use within two seconds", arguments: cases)
    func restarted(_ test: Case) {
        var mesh = settled(test)
        mesh.kill(0)
        mesh.run(for: .seconds(30))
        let returned = mesh.now
        mesh.start(0)
        #expect(mesh.run(for: .seconds(2)) { $0.agrees })
        print("restarted: \(test.count) nodes, in use after \((mesh.now - returned).seconds) s")
    }

    @Test("So is a node whose network comes back, though nobody is told of that", arguments: cases)
    func reconnected(_ test: Case) {
        var mesh = settled(test)
        mesh.isOpen = { $0 != 0 && $1 != 0 }
        mesh.run(for: .seconds(60) + .milliseconds(311 * test.seed))
        let returned = mesh.now
        mesh.isOpen = { _, _ in true }
        #expect(mesh.run(for: .seconds(2)) { $0.agrees })
        print("reconnected: \(test.count) nodes, in use after \((mesh.now - returned).seconds) s")
    }

    @Test("What a node declares last goes with its goodbye", arguments: cases)
    func lastWord(_ test: Case) {
        var mesh = settled(test)
        mesh.call(0) { membership, now in
            (membership.setPayload([7], now: now) ?? []) + (membership.setPayload([9, 9], now: now) ?? [])
                + membership.leave(now: now)
        }
        mesh.kill(0)
        mesh.run(for: .seconds(5))
        #expect(mesh.all(hold: 0, toBe: .left))
        #expect((1..<test.count).allSatisfy { mesh.payload(of: 0, at: $0) == [9, 9] })
    }

    @Test("A node that says goodbye has left at once, and is not suspected", arguments: cases)
    func goodbye(_ test: Case) {
        var mesh = settled(test)
        mesh.call(0) { $0.leave(now: $1) }
        mesh.run(for: .milliseconds(50))
        #expect(mesh.all(hold: 0, toBe: .left))
        mesh.kill(0)
        mesh.run(for: .seconds(60))
        #expect(mesh.all(hold: 0, toBe: .left))
        #expect(!mesh.noted.contains { $0.subject == 0 && $0.kind == .suspected })
        #expect(mesh.deaths.isEmpty)
    }
}
