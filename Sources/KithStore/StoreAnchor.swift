// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What is known of a database outside of it, so that it is noticed when it has lost its last writes, and so that what was
/// revoked stays revoked then. A pure value; see ``StoreAnchorFile``.
package struct StoreAnchor: Hashable, Sendable {
    /// The keys that are remembered as revoked; beyond it those that were revoked first are forgotten.
    package static let revokedLimit = 4_096
    /// The most bytes of a file.
    package static let byteLimit = 1 << 20

    /// Grows with each change of keys, in the database first.
    package var sequence: UInt32 = 0
    /// Whether the database was open, and thus had a journal, when this was written.
    package var isOpen = false
    package private(set) var revoked: [String: WallTime] = [:]

    package init() {}

    package mutating func revoke(_ key: String, at time: WallTime) {
        revoked[key] = revoked[key].map { min($0, time) } ?? time
        if revoked.count > Self.revokedLimit, let first = revoked.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
            revoked[first.key] = nil
        }
    }

    /// What a database has lost that is as it was found now.
    ///
    /// - Parameters:
    ///   - sequence: the database's; `nil` when there was no database.
    ///   - hasJournal: whether there was a journal beside it, before it was opened.
    package func loss(sequence: UInt32?, hasJournal: Bool) -> StoreLoss? {
        guard let sequence else { return self.sequence > 0 || isOpen ? .database : nil }
        if self == StoreAnchor(), sequence > 0 { return .anchor }
        if isOpen, !hasJournal { return .journal }
        return sequence < self.sequence ? .changes : nil
    }
}

/// How a database is older than what is known of it.
package enum StoreLoss: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// There is none any more.
    case database
    /// The file that ends in -wal, with what was written last, has gone.
    case journal
    /// There is nothing beside the database that says how it was left.
    case anchor
    /// Changes of keys are missing: it is an older copy, or its journal was cut.
    case changes

    package var description: String {
        switch self {
        case .database: "the database is gone, and the node begins a new one"
        case .journal:
            "the database has lost its journal, the file that ends in -wal, and with it what was written last"
        case .anchor:
            "the file that ends in .anchor is gone, by which it is noticed that the database has lost what was written last"
        case .changes: "the database is older than it should be, as a copy is that was put back"
        }
    }
}

extension StoreAnchor {
    private static let heading = "kith anchor 1"

    /// Lines of words.
    package var encoded: [UInt8] {
        var lines = [Self.heading, "sequence \(sequence)", isOpen ? "open" : "closed"]
        lines += revoked.sorted { $0.key < $1.key }.map { "revoked \($0.value.milliseconds) \($0.key)" }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// - Returns: `nil` for bytes that ``encoded`` does not write.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.byteLimit, bytes.last == UInt8(ascii: "\n"),
            let text = String(validating: bytes.dropLast(), as: UTF8.self)
        else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, lines[0] == Self.heading, lines[1].hasPrefix("sequence "),
            let sequence = UInt32(lines[1].dropFirst("sequence ".count)), lines[2] == "open" || lines[2] == "closed"
        else { return nil }
        self.sequence = sequence
        isOpen = lines[2] == "open"
        for line in lines[3...] {
            let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            guard words.count == 3, words[0] == "revoked", let time = Int64(words[1]), !words[2].isEmpty else {
                return nil
            }
            revoke(String(words[2]), at: WallTime(milliseconds: time))
        }
    }
}
