// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel

/// What became of operations that were offered to a log. Operations that are not listed were known already.
package struct TrustInsertion: Sendable {
    package enum Refusal: Hashable, Sendable {
        case unreadable(TrustOperation.Unreadable)
        /// The log, or the share of the author in it, is full.
        case full
    }

    /// An author stated two things under one number. All logs keep the same one of them.
    package struct Equivocation: Hashable, Sendable {
        package let kept: TrustOperation
        package let dropped: TrustOperation
    }

    /// To be stored under author and number, replacing what may be there.
    package internal(set) var accepted: [SignedOperation] = []
    /// Kept in memory until the operations before them arrive.
    package internal(set) var heldBack = 0
    package internal(set) var refused: [Refusal] = []
    /// A sign of a node that went back to an older state of its database, or of a stolen key.
    package internal(set) var equivocations: [Equivocation] = []
}

/// All statements about who is kin that this node has heard, and the resolution of them.
///
/// A pure value. Statements are only added; the same statements give the same resolution in any order and any number of
/// times. Within one author they count from 1 without gaps; what arrives early is held back. All this holds within the
/// limits below. A full log takes no more from others, but always this node's own.
package struct TrustLog: Sendable {
    /// Operations of all authors together.
    package static let limit = 10_000
    /// Operations of one author. As many places are kept for this node's own.
    package static let limitPerAuthor = 2_000
    package static let authorLimit = 1_024
    /// Operations that wait for earlier ones of their author.
    package static let heldBackLimit = 1_024

    struct Entry: Sendable {
        let operation: TrustOperation
        let signed: SignedOperation
        /// Of the statement, without the signature.
        let digest: [UInt8]

        init(_ operation: TrustOperation, signed: SignedOperation) {
            self.operation = operation
            self.signed = signed
            digest = Array(SHA256.hash(data: operation.encoded))
        }
    }

    package let root: NodeID
    package private(set) var resolution: TrustResolution
    /// By author; the operation with sequence n is at n − 1.
    private(set) var entries: [NodeID: [Entry]] = [:]
    private var heldBack: [NodeID: [UInt64: Entry]] = [:]
    private var heldBackCount = 0
    private var foreignCount = 0

    /// An empty log. Insert what was stored, to continue where the node stopped.
    ///
    /// - Parameter root: this node.
    package init(root: NodeID) {
        self.root = root
        resolution = TrustResolution(root: root, operations: [])
    }

    /// How many operations of all authors there are.
    package var count: Int { foreignCount + (entries[root]?.count ?? 0) }

    /// The number of the last operation of `author`; 0 when there is none.
    package func lastSequence(of author: NodeID) -> UInt64 { UInt64(entries[author]?.count ?? 0) }

    var operations: some Sequence<TrustOperation> { entries.values.lazy.joined().lazy.map(\.operation) }

    /// Adds operations, from the disk, from kin or of this node, after checking each.
    package mutating func insert(_ operations: some Sequence<SignedOperation>) -> TrustInsertion {
        var insertion = TrustInsertion()
        for signed in operations where !knows(signed) { insert(signed, into: &insertion) }
        if !insertion.accepted.isEmpty { resolution = TrustResolution(root: root, operations: self.operations) }
        return insertion
    }

    private func knows(_ signed: SignedOperation) -> Bool {
        known(signed.author, signed.sequence)?.signed.bytes == signed.bytes
    }

    private func known(_ author: NodeID, _ sequence: UInt64) -> Entry? {
        if let held = heldBack[author]?[sequence] { return held }
        guard let entries = entries[author], let place = Int(exactly: sequence), entries.indices.contains(place &- 1)
        else { return nil }
        return entries[place - 1]
    }

    private mutating func insert(_ signed: SignedOperation, into insertion: inout TrustInsertion) {
        switch TrustOperation.read(signed) {
        case .failure(let reason): insertion.refused.append(.unreadable(reason))
        case .success(let operation):
            let entry = Entry(operation, signed: signed)
            if let known = known(signed.author, signed.sequence) {
                settle(known, entry, into: &insertion)
            } else if signed.sequence == lastSequence(of: signed.author) + 1 {
                append(entry, into: &insertion)
            } else {
                holdBack(entry, into: &insertion)
            }
        }
    }

    /// Of two statements under one number the one whose digest comes first is kept. The signature is not compared: anybody
    /// can write the same signature in two ways.
    private mutating func settle(_ known: Entry, _ other: Entry, into insertion: inout TrustInsertion) {
        guard known.digest != other.digest else { return }
        let isKnownFirst = known.digest.lexicographicallyPrecedes(other.digest)
        let (kept, dropped) = isKnownFirst ? (known, other) : (other, known)
        insertion.equivocations.append(.init(kept: kept.operation, dropped: dropped.operation))
        if isKnownFirst { return }
        let (author, sequence) = (other.signed.author, other.signed.sequence)
        if heldBack[author]?[sequence] != nil {
            heldBack[author]?[sequence] = other
        } else if let place = Int(exactly: sequence) {
            entries[author]?[place - 1] = other
            insertion.accepted.append(other.signed)
        }
    }

    private mutating func append(_ entry: Entry, into insertion: inout TrustInsertion) {
        guard hasRoom(for: entry.signed.author) else { return insertion.refused.append(.full) }
        let author = entry.signed.author
        var next: Entry? = entry
        while let entry = next {
            entries[author, default: []].append(entry)
            if author != root { foreignCount += 1 }
            insertion.accepted.append(entry.signed)
            guard hasRoom(for: author) else { return }
            next = heldBack[author]?.removeValue(forKey: entry.signed.sequence + 1)
            if next != nil { heldBackCount -= 1 }
        }
        if heldBack[author]?.isEmpty == true { heldBack[author] = nil }
    }

    private func hasRoom(for author: NodeID) -> Bool {
        let own = entries[author]?.count ?? 0
        if own >= Self.limitPerAuthor { return false }
        if author == root { return true }
        return foreignCount < Self.limit - Self.limitPerAuthor && (own > 0 || entries.count < Self.authorLimit)
    }

    private mutating func holdBack(_ entry: Entry, into insertion: inout TrustInsertion) {
        guard heldBackCount < Self.heldBackLimit else { return insertion.refused.append(.full) }
        heldBack[entry.signed.author, default: [:]][entry.signed.sequence] = entry
        heldBackCount += 1
        insertion.heldBack += 1
    }
}

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

    /// Operations that a log with these versions lacks, or holds in another version; empty when there are none.
    ///
    /// In an order in which it can take them: the operations of each author in sequence. What it lacks comes before what
    /// differs.
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
