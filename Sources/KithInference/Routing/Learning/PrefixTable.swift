// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Identifies the beginnings of a conversation: one hash for each whole number of leading blocks, and what its client calls
/// it.
///
/// Keyed with this process's own random key, so that nobody can make two conversations look alike; never stored or sent.
package struct PrefixBlocks: Hashable, Sendable {
    /// Bytes; about sixty tokens.
    package static let blockSize = 256
    package static let limit = 128
    private static let tokensPerBlock = 60

    /// - Parameter held: Blocks of the beginning that an engine has in memory; of all that are counted, so that the rest of a
    ///   longer conversation is there too.
    /// - Returns: How many of the prompt's tokens it has yet to read.
    static func unread(of tokens: Int, held: Int) -> Int {
        held >= limit ? 0 : max(0, tokens - held * tokensPerBlock)
    }

    /// The first is of one block, the second of two, and so on.
    package private(set) var hashes: [UInt64] = []
    /// The conversation's name, where its client gives one: it also tells it after its beginning was rewritten.
    package private(set) var name: UInt64?
    /// The user's name, where the client gives one.
    package private(set) var user: UInt64?

    package init() {}

    package init(_ request: ChatRequest) {
        name = (request.conversation ?? request.extensions["prompt_cache_key"]?.stringValue).map {
            Self.hash("name", $0)
        }
        user = request.extensions["user"]?.stringValue.map { Self.hash("user", $0) }
        var hasher = Hasher()
        var room = Self.blockSize
        hasher.combine(request.kind)
        for message in request.messages {
            // Neither byte occurs in UTF-8, so that no text looks like the border between two messages.
            add(message.role.rawValue, endingWith: 0xFE, to: &hasher, room: &room)
            add(message.content.text, endingWith: 0xFF, to: &hasher, room: &room)
            if hashes.count == Self.limit { return }
        }
    }

    private static func hash(_ kind: StaticString, _ name: String) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(start: kind.utf8Start, count: kind.utf8CodeUnitCount))
        hasher.combine(name)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    private mutating func add(_ text: String, endingWith end: UInt8, to hasher: inout Hasher, room: inout Int) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while rest.count >= room, hashes.count < Self.limit {
                hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: rest.prefix(room)))
                rest = rest.dropFirst(room)
                room = Self.blockSize
                let leading = hasher
                hashes.append(UInt64(bitPattern: Int64(leading.finalize())))
            }
            guard hashes.count < Self.limit else { return }
            hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: rest))
            room -= rest.count
        }
        hasher.combine(end)
    }
}

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

    /// Notes the beginnings of 1, 2, 4, 8 … blocks of one conversation, and the whole: the next turn begins with the
    /// whole, and other conversations that begin alike, for example with the same instructions, share one of the
    /// beginnings.
    ///
    /// - Returns: What is needed to forget it again.
    @discardableResult
    package mutating func note(_ blocks: PrefixBlocks, sentTo candidate: Candidate) -> Change {
        var change = Change(candidate: candidate)
        var length = 1
        while length < blocks.hashes.count {
            note(blocks.hashes[length - 1], candidate, &change)
            length *= 2
        }
        for case let hash? in [blocks.hashes.last, blocks.name, blocks.user] { note(hash, candidate, &change) }
        return change
    }

    /// Forgets what was sent to a candidate that refused to read it, unless it was sent elsewhere since.
    package mutating func undo(_ change: Change) {
        for (hash, before) in change.before where young[hash] == change.candidate { young[hash] = before }
    }

    /// - Returns: The candidate that was last sent this conversation by its name, else the longest known beginning of
    ///   `blocks`, else anything of its user; and how many blocks it was sent, as far as they are known.
    package func longest(of blocks: PrefixBlocks) -> (candidate: Candidate, blocks: Int)? {
        guard !young.isEmpty else { return nil }
        let known = blocks.hashes.indices.reversed().lazy.compactMap { index in
            self.holder(of: blocks.hashes[index]).map { (candidate: $0, blocks: index + 1) }
        }.first
        if let named = holder(of: blocks.name), named != known?.candidate { return (named, 0) }
        return known ?? holder(of: blocks.user).map { ($0, 0) }
    }

    private func holder(of hash: UInt64?) -> Candidate? { hash.flatMap { young[$0] ?? old[$0] } }

    private mutating func note(_ hash: UInt64, _ candidate: Candidate, _ change: inout Change) {
        change.before.append((hash, young[hash] ?? old[hash]))
        if young.count >= Self.capacity / 2 {
            old = young
            young = [:]
        }
        young[hash] = candidate
    }
}
