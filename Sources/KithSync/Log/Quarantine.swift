// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Operations whose time has not come, which nobody sees until then; found by register, and counted by node.
struct Quarantine: Sendable {
    private(set) var operations: [OperationID: Operation] = [:]
    private var byRegister: [RegisterKey: Set<OperationID>] = [:]
    private var counts: [NodeID: Int] = [:]

    var count: Int { operations.count }

    var isEmpty: Bool { operations.isEmpty }

    func count(of node: NodeID) -> Int { counts[node] ?? 0 }

    func operations(of register: RegisterKey) -> [Operation] {
        (byRegister[register] ?? []).compactMap { operations[$0] }
    }

    subscript(id: OperationID) -> Operation? { operations[id] }

    mutating func insert(_ operation: Operation) {
        let isNew = operations.updateValue(operation, forKey: operation.id) == nil
        guard isNew else { return }
        byRegister[operation.register, default: []].insert(operation.id)
        counts[operation.id.replica.node, default: 0] += 1
    }

    mutating func remove(_ id: OperationID) {
        guard let operation = operations.removeValue(forKey: id) else { return }
        byRegister[operation.register]?.remove(id)
        if byRegister[operation.register]?.isEmpty == true { byRegister[operation.register] = nil }
        let left = count(of: id.replica.node) - 1
        counts[id.replica.node] = left > 0 ? left : nil
    }
}
