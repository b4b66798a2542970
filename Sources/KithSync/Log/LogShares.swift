// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How much of a log is whose.
struct LogShares: Sendable {
    /// What is kept of one node's writes.
    struct Share: Sendable {
        var weight = 0
        var operations = 0
        /// Those that are no removals, by kind.
        var values: [RegisterKey.Kind: Int] = [:]
    }

    private(set) var shares: [NodeID: Share] = [:]
    private(set) var weight = 0

    subscript(node: NodeID) -> Share { shares[node] ?? Share() }

    mutating func add(_ operation: Operation) { change(operation, by: 1) }

    mutating func remove(_ operation: Operation) { change(operation, by: -1) }

    private mutating func change(_ operation: Operation, by step: Int) {
        let node = operation.id.replica.node
        let change = step * ReplicatedLog.weight(of: operation)
        weight += change
        var share = shares[node] ?? Share()
        share.weight += change
        share.operations += step
        if operation.value != nil { share.values[operation.register.kind, default: 0] += step }
        shares[node] = share.operations > 0 ? share : nil
    }
}

extension ReplicatedLog {
    /// About the bytes of memory that an operation takes with all that leads to it.
    package static func weight(of operation: Operation) -> Int {
        384 + (operation.value?.count ?? 0) + operation.register.name.utf8.count + operation.source.text.utf8.count
            + 64 * operation.seen.sequences.count
    }

    /// Why another node's operation is not taken; `nil` when it is.
    func refusal(of operation: Operation, isAhead: Bool) -> LogRefusal? {
        let node = operation.id.replica.node
        let share = shares[node]
        let weight = Self.weight(of: operation)
        guard share.weight + weight <= limits.kinWeight else { return .tooMuch(node) }
        guard shares.weight + weight <= limits.weight || share.weight + weight <= limits.reserve else {
            return .tooMuch(node)
        }
        let kind = operation.register.kind
        let most = limits.registers(kind) * LogLimits.headroom
        guard operation.value == nil || share.values[kind, default: 0] < most else { return .tooMuch(node) }
        guard !isAhead || quarantine.count(of: node) < limits.quarantined else { return .tooFarAhead(node) }
        return nil
    }

    /// - Throws: `StateRefusal` with `invalid` or `limitReached`.
    func check(_ writes: [LocalWrite]) throws(StateRefusal) {
        var added: [RegisterKey.Kind: Set<RegisterKey>] = [:]
        var weight = 0
        for write in writes {
            let size = write.value?.count ?? 0
            guard size <= Operation.valueLimit else {
                throw StateRefusal(.invalid, "a value may have \(Operation.valueLimit) bytes as JSON")
            }
            weight += 448 + size + write.register.name.utf8.count + write.source.text.utf8.count
            if write.value != nil, !isShown(registers[write.register] ?? []) {
                added[write.register.kind, default: []].insert(write.register)
            }
        }
        let share = shares[node]
        // What only removes makes room, and takes some for a moment.
        if writes.allSatisfy({ $0.value == nil }), share.weight + weight <= (limits.ownWeight + limits.kinWeight) / 2 {
            return
        }
        guard share.weight + weight <= limits.ownWeight else {
            throw StateRefusal(
                .limitReached, "a node may have written \(limits.ownWeight) bytes at most; remove some first")
        }
        guard shares.weight + weight <= limits.weight || share.weight + weight <= limits.ownReserve else {
            throw StateRefusal(
                .limitReached, "kin have written all that is kept; remove some first, or forget who wrote too much")
        }
        for (kind, registers) in added
        where share.values[kind, default: 0] + registers.count > limits.registers(kind) {
            throw StateRefusal(
                .limitReached, "\(limits.registers(kind)) entries of this kind are kept at most; remove some first")
        }
    }
}
