// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The operations of one replica that are still kept, by sequence number.
///
/// They mostly come in order and are removed anywhere: appending and removing cost little, and the gaps are closed
/// together.
struct ReplicaLog: Sendable {
    private struct Entry: Sendable {
        let sequence: UInt64
        var operation: Operation?
    }

    private var entries: [Entry] = []
    private(set) var count = 0

    subscript(sequence: UInt64) -> Operation? {
        guard let index = index(of: sequence) else { return nil }
        return entries[index].operation
    }

    /// Does nothing when there is one with this number.
    mutating func insert(_ operation: Operation) {
        let entry = Entry(sequence: operation.id.sequence, operation: operation)
        if let last = entries.last, last.sequence >= entry.sequence {
            let position = position(after: entry.sequence &- 1)
            if entries[position].sequence == entry.sequence {
                guard entries[position].operation == nil else { return }
                entries[position] = entry
            } else {
                entries.insert(entry, at: position)
            }
        } else {
            entries.append(entry)
        }
        count += 1
    }

    /// Puts another form of an operation in its place.
    mutating func replace(_ operation: Operation) {
        guard let index = index(of: operation.id.sequence), entries[index].operation != nil else { return }
        entries[index].operation = operation
    }

    /// - Returns: What was removed.
    mutating func remove(_ sequence: UInt64) -> Operation? {
        guard let index = index(of: sequence), let operation = entries[index].operation else { return nil }
        entries[index].operation = nil
        count -= 1
        if entries.count - count > max(64, count) { entries.removeAll { $0.operation == nil } }
        return operation
    }

    /// In order, those after a sequence number.
    func operations(after sequence: UInt64) -> some Sequence<Operation> {
        entries[position(after: sequence)...].lazy.compactMap(\.operation)
    }

    private func index(of sequence: UInt64) -> Int? {
        guard sequence > 0 else { return nil }
        let position = position(after: sequence - 1)
        return position < entries.count && entries[position].sequence == sequence ? position : nil
    }

    /// The first place with a greater number.
    private func position(after sequence: UInt64) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].sequence > sequence { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
