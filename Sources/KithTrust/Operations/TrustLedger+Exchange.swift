// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel

extension TrustLedger {
    /// The most operations of one answer to ``missing(for:)``.
    package static let batchLimit = 256

    /// What to tell another ledger's ``missing(for:)``.
    package var versions: TrustVersions {
        TrustVersions(
            entries.mapValues { entries in
                TrustVersions.Author(
                    last: UInt64(entries.count),
                    digests: stride(from: 0, to: entries.count, by: TrustVersions.run).compactMap { start in
                        Self.digest(entries[start..<min(start + TrustVersions.run, entries.count)])
                    })
            })
    }

    /// All of them, by author and number.
    package var signedOperations: [SignedOperation] {
        entries.sorted { $0.key < $1.key }.flatMap { $0.value.map(\.signed) }
    }

    /// Operations that a ledger with these versions lacks, or holds in another version; empty when there are none.
    ///
    /// In an order in which it can take them: of each author the first first. What it lacks goes before what differs.
    package func missing(for versions: TrustVersions) -> [SignedOperation] {
        var batch: [SignedOperation] = []
        let authors = entries.sorted { $0.key < $1.key }
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
