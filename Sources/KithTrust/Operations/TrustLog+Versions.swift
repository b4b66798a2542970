// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel

/// Which operations a log holds, in short: for every author the last number, and a digest of every run of 128 operations,
/// so that logs that hold different statements under the same numbers notice it.
package struct TrustVersions: Hashable, Sendable {
    package struct Author: Hashable, Sendable, Codable {
        package var last: UInt64
        /// Of all runs, the last of which may be shorter.
        package var digests: [Octets32]
    }

    static let run = 128
    static let runLimit = (TrustLog.limitPerAuthor + run - 1) / run

    package private(set) var authors: [NodeID: Author] = [:]

    init(_ authors: [NodeID: Author]) { self.authors = authors }
}

extension TrustVersions: Codable {
    private struct Line: Codable {
        var author: NodeID
        var last: UInt64
        var digests: [Octets32]
    }

    package init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        while !list.isAtEnd {
            let line = try list.decode(Line.self)
            guard authors.count < TrustLog.authorLimit, line.digests.count <= Self.runLimit else {
                throw DecodingError.dataCorruptedError(in: list, debugDescription: "more than a ledger holds")
            }
            authors[line.author] = Author(last: line.last, digests: line.digests)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var list = encoder.unkeyedContainer()
        for (author, version) in authors.sorted(by: { $0.key < $1.key }) {
            try list.encode(Line(author: author, last: version.last, digests: version.digests))
        }
    }
}

extension TrustLog {
    /// The most operations of one answer to `missing(for:)`.
    package static let batchLimit = 256

    /// What to pass to `missing(for:)` of another log.
    package var versions: TrustVersions {
        TrustVersions(
            entries.reduce(into: versionsOfDeclined) { versions, author in
                let entries = author.value
                let told = told(of: author.key)
                // Of a part that is not whole a digest says something only where all is told.
                let compared =
                    told > UInt64(entries.count) ? entries.count / TrustVersions.run * TrustVersions.run : entries.count
                versions[author.key] = TrustVersions.Author(
                    last: told,
                    digests: stride(from: 0, to: compared, by: TrustVersions.run).compactMap { start in
                        Self.digest(entries[start..<min(start + TrustVersions.run, entries.count)])
                    })
            })
    }

    private var versionsOfDeclined: [NodeID: TrustVersions.Author] {
        let others = declined.keys.filter { entries[$0] == nil && told(of: $0) > 0 }
        return Dictionary(
            others.prefix(max(0, Self.authorLimit - entries.count)).map {
                ($0, TrustVersions.Author(last: told(of: $0), digests: []))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// All of them, by author and number.
    package var signedOperations: [SignedOperation] {
        entries.sorted { $0.key < $1.key }.flatMap { $0.value.map(\.signed) }
    }

    /// Operations that a log with these versions lacks, or holds in another version; empty when there are none.
    ///
    /// In an order in which it can take them: the operations of each author in sequence, those of authors that it knows
    /// before those of others, which come after who admitted them. The authors of whom it lacks least come first, so that no
    /// flood keeps a forgetting back. What it lacks comes before what differs.
    package func missing(for versions: TrustVersions) -> [SignedOperation] {
        var batch: [SignedOperation] = []
        let depths = IntroductionTree(self).depths
        func rank(_ author: NodeID, _ count: Int) -> (Int, Int, NodeID) {
            let known = versions.authors[author]
            let lacking = count - Int(clamping: known?.last ?? 0)
            return (known == nil && author != root ? depths[author] ?? .max : 0, lacking, author)
        }
        let authors = entries.map { (rank($0.key, $0.value.count), $0) }.sorted { $0.0 < $1.0 }.map(\.1)
        for (author, entries) in authors {
            let last = versions.authors[author].flatMap { Int(exactly: $0.last) } ?? 0
            batch.append(
                contentsOf: entries.dropFirst(max(0, last)).prefix(Self.batchLimit - batch.count).map(\.signed))
        }
        for (author, entries) in authors {
            guard let theirs = versions.authors[author] else { continue }
            let differing = Self.differing(entries, theirs).prefix(Self.batchLimit - batch.count)
            batch.append(contentsOf: differing.map(\.signed))
        }
        return batch
    }

    /// The first run that both hold whole and whose digests differ.
    private static func differing(_ entries: [Entry], _ theirs: TrustVersions.Author) -> ArraySlice<Entry> {
        for (index, digest) in theirs.digests.enumerated() {
            let start = index * TrustVersions.run
            guard start < entries.count else { break }
            let run = entries[start..<min(start + TrustVersions.run, entries.count)]
            let isWholeThere = theirs.last >= UInt64(start + TrustVersions.run)
            guard (isWholeThere && run.count == TrustVersions.run) || theirs.last == UInt64(entries.count) else {
                break
            }
            if Self.digest(run) != digest { return run }
        }
        return []
    }

    /// Of what was stated; signatures may differ.
    private static func digest(_ run: ArraySlice<Entry>) -> Octets32? {
        var hash = SHA256()
        for entry in run { hash.update(data: entry.digest) }
        return Octets32(Array(hash.finalize()))
    }
}
