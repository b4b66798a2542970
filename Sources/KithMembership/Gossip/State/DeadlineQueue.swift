// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What is due when, the earliest first: a binary heap.
///
/// Nothing is taken out before its time. The caller compares the deadline of an entry with the one that it still
/// remembers, and ignores the entry when they differ.
package struct DeadlineQueue<Key: Sendable>: Sendable {
    private var heap: [(deadline: MonotonicInstant, key: Key)] = []

    package init() {}

    package var count: Int { heap.count }
    package var earliest: MonotonicInstant? { heap.first?.deadline }

    package mutating func add(_ key: Key, at deadline: MonotonicInstant) {
        heap.append((deadline, key))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].deadline < heap[parent].deadline else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// - Returns: The earliest entry that is due, or `nil`.
    package mutating func popDue(_ now: MonotonicInstant) -> (deadline: MonotonicInstant, key: Key)? {
        guard let first = heap.first, first.deadline <= now, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        sink()
        return first
    }

    /// Drops the earliest entries up to one that the caller remembers, so that it does not wake for the others.
    package mutating func dropEarliest(unless isMeant: (Key, MonotonicInstant) -> Bool) {
        while let first = heap.first, !isMeant(first.key, first.deadline) {
            _ = popDue(first.deadline)
        }
    }

    /// Drops what the caller does not remember any more.
    package mutating func keep(where isMeant: (Key, MonotonicInstant) -> Bool) {
        heap.removeAll { !isMeant($0.key, $0.deadline) }
        // Sorted is a heap too.
        heap.sort { $0.deadline < $1.deadline }
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].deadline < heap[least].deadline {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
