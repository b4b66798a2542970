// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import KithTesting

extension Replica {
    init(test byte: UInt8, epoch: UInt64 = 1) { self.init(node: NodeID(test: byte), epoch: epoch) }

    func operation(
        _ sequence: UInt64, _ register: RegisterKey = .context("branch"), value: [UInt8]? = Array("\"main\"".utf8),
        seen: [Replica: UInt64] = [:]
    ) -> Operation {
        Operation(
            id: OperationID(replica: self, sequence: sequence), time: HybridTime(milliseconds: 1_700_000_000_000),
            register: register, source: .node(node), value: value, seen: VersionVector(seen))
    }
}

extension DeliveryKey {
    static func test(_ number: Int) -> DeliveryKey {
        guard let key = DeliveryKey("delivery-\(number)") else { preconditionFailure("a short name is a key") }
        return key
    }
}

extension Operation {
    /// Anything that a log may hold.
    static func random(
        _ sequence: UInt64, of replica: Replica, among replicas: [Replica],
        using generator: inout SeededGenerator
    ) -> Operation {
        let name = String((0..<Int.random(in: 1...32, using: &generator)).map { _ in character(using: &generator) })
        let source: StateSource = Bool.random(using: &generator) ? .node(replica.node) : .named(name)
        let registers: [RegisterKey] = [.level(source), .context(name), .insight(name)]
        let size = [0, 1, 7, 300, Operation.valueLimit].randomElement(using: &generator) ?? 0
        return Operation(
            id: OperationID(replica: replica, sequence: sequence),
            time: HybridTime(bits: .random(in: .min ... .max, using: &generator)),
            register: registers.randomElement(using: &generator) ?? .context(name), source: source,
            value: size == 0 ? nil : (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &generator) },
            seen: VersionVector(
                Dictionary(
                    uniqueKeysWithValues: replicas.filter { _ in Bool.random(using: &generator) }.map {
                        ($0, UInt64.random(in: 1...UInt64(Int64.max), using: &generator))
                    })))
    }
}

/// Of one, two and four bytes.
private func character(using generator: inout SeededGenerator) -> Character {
    "ax\u{E9}\u{1F642}".randomElement(using: &generator) ?? "a"
}
