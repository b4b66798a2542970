// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithTrust
import Testing

/// Random meshes in which nodes pair, forget and are out of touch with each other.
@Suite("Who is kin, whatever the order")
struct TrustResolutionTests {
    private static let nodes = 7
    private static let keys: [NodePublicKey] = (0..<nodes).compactMap { _ in
        (try? NodeIdentity.ephemeral(now: .now()))?.publicKey
    }

    /// Each node's own set of statements, by number; statements are not signed, for speed.
    private struct Sketch {
        var generator: SeededGenerator
        var known: [[NodeID: [TrustOperation]]]
        var time: Int64 = 0

        init(seed: UInt64) {
            generator = SeededGenerator(seed: seed)
            known = Array(repeating: [:], count: nodes)
        }

        mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &generator) }

        func all(_ node: Int) -> [TrustOperation] { known[node].values.flatMap(\.self) }

        func epochs(of subject: NodeID, by node: Int) -> (admitted: UInt64, forgotten: UInt64) {
            var epochs: (admitted: UInt64, forgotten: UInt64) = (0, 0)
            for operation in all(node) where operation.subject == subject {
                switch operation.statement {
                case .admit(let epoch, _): epochs.admitted = max(epochs.admitted, epoch)
                case .forget(let epoch, _): epochs.forgotten = max(epochs.forgotten, epoch)
                }
            }
            return epochs
        }

        mutating func state(_ statement: TrustOperation.Statement, of subject: Int, by author: Int) {
            time += 1
            let key = keys[author]
            let sequence = UInt64(known[author][key.id]?.count ?? 0) + 1
            known[author][key.id, default: []].append(
                TrustOperation(
                    author: key, sequence: sequence, subject: keys[subject].id, statement: statement,
                    saidAt: WallTime(milliseconds: time)))
        }

        mutating func admit(_ subject: Int, by author: Int) {
            let epochs = epochs(of: keys[subject].id, by: author)
            let says = PairingIntroduction(name: nil, addresses: [])
            state(
                .admit(epoch: max(epochs.admitted, epochs.forgotten + 1), introduction: says), of: subject, by: author)
        }

        mutating func forget(_ subject: Int, by author: Int) {
            let id = keys[subject].id
            let epochs = epochs(of: id, by: author)
            let lastAccepted = UInt64(known[author][id]?.count ?? 0)
            state(
                .forget(epoch: max(1, epochs.admitted, epochs.forgotten), lastAccepted: lastAccepted), of: subject,
                by: author)
        }

        mutating func exchange(_ one: Int, _ other: Int) {
            let merged = known[one].merging(known[other]) { $0.count > $1.count ? $0 : $1 }
            known[one] = merged
            known[other] = merged
        }

        /// Something that happens in a mesh.
        mutating func step() {
            let (one, other) = (number(0..<nodes), number(0..<nodes))
            guard one != other else { return }
            switch number(0..<10) {
            case 0..<4:
                admit(other, by: one)
                admit(one, by: other)
                exchange(one, other)
            case 4: admit(other, by: one)
            case 5..<7: forget(other, by: one)
            default: exchange(one, other)
            }
        }

        /// What everybody has stated.
        func everything() -> [TrustOperation] {
            (0..<nodes).flatMap { known[$0][keys[$0].id] ?? [] }
        }
    }

    private static func sketch(seed: UInt64) -> Sketch {
        var sketch = Sketch(seed: seed)
        for _ in 0..<sketch.number(5..<60) { sketch.step() }
        return sketch
    }

    @Test("The same statements give the same fold in any order and any number of times")
    func order() {
        for seed in UInt64(0)..<300 {
            var sketch = Self.sketch(seed: seed)
            let operations = sketch.everything()
            let root = Self.keys[sketch.number(0..<Self.nodes)].id
            let resolution = TrustResolution(root: root, operations: operations)
            for _ in 0..<3 {
                let shuffled = (operations + operations.prefix(5)).shuffled(using: &sketch.generator)
                #expect(TrustResolution(root: root, operations: shuffled) == resolution, "seed \(seed)")
            }
        }
    }

    @Test("Nodes that are kin in each other's eyes agree on everybody")
    func agreement() {
        var pairs = 0
        for seed in UInt64(0)..<300 {
            let operations = Self.sketch(seed: seed).everything()
            let folds = Self.keys.map { TrustResolution(root: $0.id, operations: operations) }
            for one in folds {
                for other in folds where one.kin[other.root] != nil && other.kin[one.root] != nil {
                    pairs += 1
                    var (mine, theirs) = (one.kin, other.kin)
                    mine[other.root] = nil
                    theirs[one.root] = nil
                    #expect(mine == theirs, "seed \(seed)")
                    #expect(one.forgotten == other.forgotten, "seed \(seed)")
                }
            }
        }
        #expect(pairs > 1_000)
    }

    @Test("Nobody is kin who was forgotten and not taken back, and nobody is both")
    func forgottenMeansForgotten() {
        for seed in UInt64(0)..<300 {
            var sketch = Self.sketch(seed: seed)
            let (author, subject) = (0, sketch.number(1..<Self.nodes))
            for other in 1..<Self.nodes { sketch.exchange(author, other) }
            sketch.forget(subject, by: author)
            let operations = sketch.everything()
            for key in Self.keys {
                let resolution = TrustResolution(root: key.id, operations: operations)
                #expect(resolution.kin.keys.allSatisfy { resolution.forgotten[$0] == nil }, "seed \(seed)")
                guard resolution.kin[Self.keys[author].id] != nil || key == Self.keys[author] else { continue }
                #expect(resolution.kin[Self.keys[subject].id] == nil, "seed \(seed)")
            }
        }
    }

    @Test("What a forgotten node and its new friends state afterwards does not change who is kin, but by forgetting")
    func noWayBack() {
        for seed in UInt64(0)..<300 {
            var sketch = Sketch(seed: seed)
            for other in 1..<4 { sketch.admit(other, by: 0) }
            for other in 1..<4 { sketch.exchange(0, other) }
            for other in 1..<4 { sketch.admit(0, by: other) }
            for other in 1..<4 { sketch.exchange(0, other) }
            sketch.forget(3, by: 0)
            let before = TrustResolution(root: Self.keys[0].id, operations: sketch.everything())
            sketch.exchange(0, 3)
            for _ in 0..<sketch.number(1..<30) {
                let (one, other) = (sketch.number(3..<Self.nodes), sketch.number(0..<Self.nodes))
                if one != other { sketch.admit(other, by: one) }
                sketch.exchange(3, sketch.number(4..<Self.nodes))
            }
            let after = TrustResolution(root: Self.keys[0].id, operations: sketch.everything())
            #expect(after.kin == before.kin, "seed \(seed)")
        }
    }

    @Test("Without any forgetting, all that are connected by mutual pairings are kin")
    func connected() {
        for seed in UInt64(0)..<100 {
            var sketch = Sketch(seed: seed)
            let order = Array(0..<Self.nodes).shuffled(using: &sketch.generator)
            for place in 1..<Self.nodes {
                let partner = order[sketch.number(0..<place)]
                sketch.admit(partner, by: order[place])
                sketch.admit(order[place], by: partner)
            }
            for key in Self.keys {
                let resolution = TrustResolution(root: key.id, operations: sketch.everything())
                #expect(resolution.kin.count == Self.nodes - 1, "seed \(seed)")
                #expect(resolution.forgotten.isEmpty, "seed \(seed)")
            }
        }
    }

    @Test("A chain of a thousand admissions is followed to its end in time", .timeLimit(.minutes(1)))
    func longChain() {
        let says = PairingIntroduction(name: nil, addresses: [])
        var operations: [TrustOperation] = []
        for sequence in UInt64(1)...1_900 {
            for author in 0..<Self.nodes - 1 {
                operations.append(
                    TrustOperation(
                        author: Self.keys[author], sequence: sequence, subject: Self.keys[author + 1].id,
                        statement: .admit(epoch: 1, introduction: says),
                        saidAt: WallTime(milliseconds: Int64(sequence))))
            }
        }
        let resolution = TrustResolution(root: Self.keys[0].id, operations: operations.reversed())
        #expect(resolution.kin.count == Self.nodes - 1)
        #expect(resolution.kin[Self.keys[Self.nodes - 1].id]?.admittedAt == WallTime(milliseconds: 1_900))
    }
}
