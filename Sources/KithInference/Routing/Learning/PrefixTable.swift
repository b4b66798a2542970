// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Which candidate was last sent a conversation with a certain beginning, and so may have it in its cache.
///
/// Holds the latest in bounded memory: two generations, of which the older is dropped when the younger is full.
package struct PrefixTable: Sendable {
    package static let capacity = 4_096

    /// What noting one conversation replaced.
    package struct Change: Sendable {
        fileprivate var candidate: Candidate
        fileprivate var before: [(hash: UInt64, holder: Candidate?)] = []
    }

    private var young: [UInt64: Candidate] = [:]
    private var old: [UInt64: Candidate] = [:]

    package init() {}

    package var count: Int { young.count + old.count }

    /// Of one conversation the beginnings of 1, 2, 4, 8 … blocks are noted, and the whole: the next turn begins with the
    /// whole, and others that begin alike, as with the same instructions, have one of the others in common.
    ///
    /// - Returns: What it takes to forget it again.
    @discardableResult
    package mutating func note(_ blocks: PrefixBlocks, sentTo candidate: Candidate) -> Change {
        var change = Change(candidate: candidate)
        var length = 1
        while length < blocks.hashes.count {
            note(blocks.hashes[length - 1], candidate, &change)
            length *= 2
        }
        if let whole = blocks.hashes.last { note(whole, candidate, &change) }
        return change
    }

    /// Forgets what was sent to somebody who refused to read it, unless it was sent elsewhere since.
    package mutating func undo(_ change: Change) {
        for (hash, before) in change.before where young[hash] == change.candidate { young[hash] = before }
    }

    /// - Returns: Who was last sent the longest known beginning of `blocks`, and how many blocks that is.
    package func longest(of blocks: PrefixBlocks) -> (candidate: Candidate, blocks: Int)? {
        guard !young.isEmpty else { return nil }
        for index in blocks.hashes.indices.reversed() {
            let hash = blocks.hashes[index]
            if let candidate = young[hash] ?? old[hash] { return (candidate, index + 1) }
        }
        return nil
    }

    private mutating func note(_ hash: UInt64, _ candidate: Candidate, _ change: inout Change) {
        change.before.append((hash, young[hash] ?? old[hash]))
        if young.count >= Self.capacity / 2 {
            old = young
            young = [:]
        }
        young[hash] = candidate
    }
}
