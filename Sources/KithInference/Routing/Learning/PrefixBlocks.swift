// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Names the beginnings of a conversation: one hash for each whole number of leading blocks.
///
/// Keyed with this process's own random key, so that nobody can make two conversations look alike; never stored or sent.
package struct PrefixBlocks: Hashable, Sendable {
    /// Bytes; about sixty tokens.
    package static let blockSize = 256
    package static let limit = 128

    /// The first is of one block, the second of two, and so on.
    package private(set) var hashes: [UInt64] = []

    package init() {}

    package init(_ request: ChatRequest) {
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
