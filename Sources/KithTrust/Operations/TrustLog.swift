// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel

/// What became of operations that were offered to a log. Operations that are not listed were known already.
package struct TrustInsertion: Sendable {
    package enum Refusal: Hashable, Sendable {
        case unreadable(TrustOperation.Unreadable)
        /// The log, or the share of the author in it, is full.
        case full
        /// Nobody who is heard has ever admitted the author, or what it said counts for nothing.
        case stranger
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
    /// What is no longer kept: by author the number of the last that is; 0 for none.
    package internal(set) var kept: [NodeID: UInt64] = [:]
    /// Who introduced whom, when the log was full.
    var tree: IntroductionTree?

    package init() {}
    /// A sign of a node that went back to an older state of its database, or of a stolen key.
    package internal(set) var equivocations: [Equivocation] = []
}

/// All statements about who is kin that this node has heard and that count, and the resolution of them.
///
/// A pure value. The same statements give the same resolution in any order and any number of times. Within one author they
/// count from 1 without gaps; what arrives early is held back. Kept is what those say whom somebody heard has admitted: what
/// nobody admitted counts for nothing. When the log is full, who has stated most gives way to who has stated less, with all
/// whom it introduced counted to it, so that a node that makes up others gains nothing. This node's own statements always
/// fit, and all this holds within the limits below.
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
    var entries: [NodeID: [Entry]] = [:]
    var heldBack: [NodeID: [UInt64: Entry]] = [:]
    var heldBackCount = 0
    var foreignCount = 0
    /// This node and all whom somebody heard has ever admitted.
    var heard: Set<NodeID>
    /// Statements of others, and authors with this node, that are kept.
    var capacity = (statements: limit - limitPerAuthor, authors: authorLimit)
    /// Authors of whom no more is taken, with the number up to which kin have offered something: they are told that it is
    /// known. Emptied when there is room again.
    var declined: [NodeID: UInt64] = [:]

    /// An empty log. Insert what was stored, to continue where the node stopped.
    ///
    /// - Parameter root: this node.
    package init(root: NodeID) {
        self.root = root
        heard = [root]
        resolution = TrustResolution(root: root, operations: [])
    }

    /// How many operations are kept of each author.
    package var authors: [NodeID: Int] { entries.mapValues(\.count) }

    /// Of these operations' authors, those of whom less is kept than is here, with the number of the last that is.
    package func kept(of operations: [SignedOperation]) -> [NodeID: UInt64] {
        operations.reduce(into: [:]) { kept, operation in
            let last = lastSequence(of: operation.author)
            if operation.sequence > last, heldBack[operation.author]?[operation.sequence] == nil {
                kept[operation.author] = last
            }
        }
    }

    /// How many operations of all authors there are.
    package var count: Int { foreignCount + (entries[root]?.count ?? 0) }

    /// The number of the last operation of `author`; 0 when there is none.
    package func lastSequence(of author: NodeID) -> UInt64 { UInt64(entries[author]?.count ?? 0) }

    var operations: some Sequence<TrustOperation> { entries.values.lazy.joined().lazy.map(\.operation) }

    /// Adds operations, from the disk, from kin or of this node, after checking each.
    package mutating func insert(_ operations: some Sequence<SignedOperation>) -> TrustInsertion {
        insert(unknown(of: operations).map(Offer.init))
    }

    /// Those that this log does not hold.
    package func unknown(of operations: some Sequence<SignedOperation>) -> [SignedOperation] {
        operations.filter { !knows($0) }
    }

    /// A statement that was read and checked, which takes time and needs no log.
    package struct Offer: Sendable {
        let signed: SignedOperation
        let entry: Result<Entry, TrustOperation.Unreadable>

        package init(_ signed: SignedOperation) {
            self.signed = signed
            entry = TrustOperation.read(signed).map { Entry($0, signed: signed) }
        }
    }

    /// Adds what was offered. Who is admitted by one of the statements is heard with the next, in whatever order they are.
    package mutating func insert(_ offers: [Offer]) -> TrustInsertion {
        var insertion = TrustInsertion()
        var rest = offers
        while !rest.isEmpty {
            let (taken, waiting) = rest.reduce(into: ([Offer](), [Offer]())) { parts, offer in
                if heard.contains(offer.signed.author) { parts.0.append(offer) } else { parts.1.append(offer) }
            }
            if taken.isEmpty { break }
            for offer in taken { insert(offer, into: &insertion) }
            rest = waiting
        }
        for offer in rest {
            insertion.refused.append(Self.refusal(of: offer))
            // What nobody has signed says nothing of its author.
            if case .success = offer.entry { decline(offer.signed) }
        }
        if !insertion.accepted.isEmpty || !insertion.kept.isEmpty { resolve(into: &insertion) }
        if !insertion.kept.isEmpty { insertion.accepted.removeAll { !knows($0) } }
        return insertion
    }

    private static func refusal(of offer: Offer) -> TrustInsertion.Refusal {
        if case .failure(let reason) = offer.entry { .unreadable(reason) } else { .stranger }
    }

    private mutating func resolve(into insertion: inout TrustInsertion) {
        resolution = TrustResolution(root: root, operations: operations)
        dropVoid(into: &insertion)
    }

    /// - Parameter kept: For some authors, how many of their statements are to count.
    /// Who would be kin if one node had never stated anything.
    package func resolved(without author: NodeID) -> TrustResolution { resolved(keeping: [author: 0]) }

    func resolved(keeping kept: [NodeID: Int]) -> TrustResolution {
        TrustResolution(
            root: root,
            operations: entries.flatMap { author, entries in
                entries.prefix(kept[author] ?? entries.count).map(\.operation)
            })
    }

    mutating func settle(on resolution: TrustResolution) { self.resolution = resolution }

    private func knows(_ signed: SignedOperation) -> Bool {
        known(signed.author, signed.sequence)?.signed.bytes == signed.bytes
    }

    private func known(_ author: NodeID, _ sequence: UInt64) -> Entry? {
        if let held = heldBack[author]?[sequence] { return held }
        guard let entries = entries[author], let place = Int(exactly: sequence), entries.indices.contains(place &- 1)
        else { return nil }
        return entries[place - 1]
    }

    private mutating func insert(_ offer: Offer, into insertion: inout TrustInsertion) {
        let signed = offer.signed
        guard !knows(signed) else { return }
        switch offer.entry {
        case .failure(let reason): insertion.refused.append(.unreadable(reason))
        case .success(let entry):
            if let known = known(signed.author, signed.sequence) {
                settle(known, entry, into: &insertion)
            } else if signed.sequence == lastSequence(of: signed.author) + 1 {
                append(entry, into: &insertion)
            } else if declined[signed.author] ?? 0 > lastSequence(of: signed.author) {
                // What comes before it was not kept, and is not asked for as long as nothing of it is wanted.
                insertion.refused.append(.full)
                decline(signed)
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
            hearAnew()
        }
    }

    private mutating func append(_ entry: Entry, into insertion: inout TrustInsertion) {
        let author = entry.signed.author
        var next: Entry? = entry
        while let entry = next {
            guard hasRoom(for: author) || makeRoom(for: author, into: &insertion) else {
                insertion.refused.append(.full)
                decline(entry.signed)
                return
            }
            entries[author, default: []].append(entry)
            if author != root { foreignCount += 1 }
            if case .admit = entry.operation.statement { heard.insert(entry.operation.subject) }
            insertion.accepted.append(entry.signed)
            next = heldBack[author]?.removeValue(forKey: entry.signed.sequence + 1)
            if next != nil { heldBackCount -= 1 }
        }
        if heldBack[author]?.isEmpty == true { heldBack[author] = nil }
    }

    private func hasRoom(for author: NodeID) -> Bool {
        let own = entries[author]?.count ?? 0
        if own >= Self.limitPerAuthor { return false }
        if author == root { return true }
        return foreignCount < capacity.statements && (own > 0 || entries.count < capacity.authors)
    }

    private mutating func holdBack(_ entry: Entry, into insertion: inout TrustInsertion) {
        guard heldBackCount < Self.heldBackLimit else { return insertion.refused.append(.full) }
        heldBack[entry.signed.author, default: [:]][entry.signed.sequence] = entry
        heldBackCount += 1
        insertion.heldBack += 1
    }
}
