// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Who is kin, seen from one node: the result of a set of operations, in whatever order they arrived.
///
/// 1. The *heard* are the root and everybody whom one of the heard has ever admitted. Forgettings count when a heard node
///    made them, even if it is forgotten itself: if two nodes forget each other at the same time, both are gone. That is
///    the cautious reading; recovery is pairing again.
/// 2. An admission is *valid* when its author is the root or somebody with a valid admission, and every forgetting of the
///    author either came after it (the admission's number is within `lastAccepted`) or was made up for by a valid
///    admission of the author with a greater epoch. The root's own admissions are valid in its own eyes. More valid
///    admissions never make one invalid, so there is one smallest set of them, whatever the order of search; and what a
///    forgotten node states afterwards, through whomever it admits, cannot bring it back.
/// 3. A node is kin when the greatest epoch of its valid admissions is greater than that of all its forgettings. At equal
///    epochs forgetting wins.
///
/// Epochs move by one (``EpochSteps``): a number that no step leads to counts for nothing.
///
/// Two nodes that are kin in each other's eyes agree on everybody: all statements of a kin are valid, hence each finds the
/// other's valid admissions valid.
package struct TrustResolution: Hashable, Sendable {
    /// What is known of a kin: the introduction of its latest valid admission.
    package struct Member: Hashable, Sendable {
        package let epoch: UInt64
        package let introduction: PairingIntroduction
        package let admittedBy: NodeID
        package let admittedAt: WallTime
    }

    package let root: NodeID
    /// Without the root.
    package private(set) var kin: [NodeID: Member] = [:]
    /// The nodes that are not kin, and because of whom; may hold the root.
    package private(set) var forgotten: [NodeID: Set<NodeID>] = [:]
    /// The nodes that were validly admitted, forgotten or not.
    package private(set) var admitted: Set<NodeID> = []
    /// Of those that are not kin, the number of the last statement by which they may still have admitted somebody.
    package private(set) var cuts: [NodeID: UInt64] = [:]

    /// Whether kin of this node have forgotten it.
    package var isSelfForgotten: Bool { forgotten[root] != nil }

    package init(root: NodeID, operations: some Sequence<TrustOperation>) {
        self.root = root
        var search = Search(root: root, operations: operations)
        search.run()
        for (subject, admission) in search.latest where subject != root {
            guard admission.epoch > search.greatestForgottenEpoch(of: subject) else { continue }
            kin[subject] = Member(
                epoch: admission.epoch, introduction: admission.introduction, admittedBy: admission.author,
                admittedAt: admission.saidAt)
        }
        for (subject, forgettings) in search.forgettings {
            let standing = forgettings.filter { $0.epoch >= search.latest[subject]?.epoch ?? 0 }
            guard !standing.isEmpty else { continue }
            forgotten[subject] = Set(standing.map(\.author))
            cuts[subject] = standing.map(\.lastAccepted).min()
        }
        admitted = Set(search.latest.keys)
    }
}

private struct Admission: Hashable {
    let author: NodeID
    let sequence: UInt64
    let subject: NodeID
    let epoch: UInt64
    let introduction: PairingIntroduction
    let saidAt: WallTime

    /// Any order works that is the same everywhere and puts greater epochs later.
    func isLater(than other: Admission) -> Bool {
        (epoch, saidAt, author, sequence) > (other.epoch, other.saidAt, other.author, other.sequence)
    }
}

private struct Forgetting: Hashable {
    let author: NodeID
    let epoch: UInt64
    let lastAccepted: UInt64
}

/// The search for the valid admissions.
private struct Search {
    /// What one node has stated about whom it admits, in sequence.
    private struct Author {
        var admissions: [Admission] = []
        /// Below which no admission of the author is left that was not found valid.
        var next = 0
    }

    let root: NodeID
    private var authors: [NodeID: Author] = [:]
    private(set) var forgettings: [NodeID: [Forgetting]] = [:]
    /// The latest valid admission of each node that has one.
    private(set) var latest: [NodeID: Admission] = [:]

    init(root: NodeID, operations: some Sequence<TrustOperation>) {
        self.root = root
        let operations = Array(operations)
        let steps = EpochSteps(operations)
        var admitted: [NodeID: [NodeID]] = [:]
        var said: [(subject: NodeID, forgetting: Forgetting)] = []
        for operation in operations {
            let author = operation.author.id
            if case .admit = operation.statement { admitted[author, default: []].append(operation.subject) }
            guard steps.leads(to: operation.epoch, of: operation.subject) else { continue }
            switch operation.statement {
            case .admit(let epoch, let introduction):
                authors[author, default: Author()].admissions.append(
                    Admission(
                        author: author, sequence: operation.sequence, subject: operation.subject, epoch: epoch,
                        introduction: introduction, saidAt: operation.saidAt))
            case .forget(let epoch, let lastAccepted):
                said.append((operation.subject, Forgetting(author: author, epoch: epoch, lastAccepted: lastAccepted)))
            }
        }
        for author in authors.keys { authors[author]?.admissions.sort { $0.sequence < $1.sequence } }
        let heard = Self.heard(from: root, admitted: admitted)
        for (subject, forgetting) in said where heard.contains(forgetting.author) {
            forgettings[subject, default: []].append(forgetting)
        }
    }

    private static func heard(from root: NodeID, admitted: [NodeID: [NodeID]]) -> Set<NodeID> {
        var heard: Set<NodeID> = [root]
        var open = [root]
        while let node = open.popLast() {
            for subject in admitted[node] ?? [] where heard.insert(subject).inserted { open.append(subject) }
        }
        return heard
    }

    func greatestForgottenEpoch(of subject: NodeID) -> UInt64 { forgettings[subject]?.map(\.epoch).max() ?? 0 }

    /// From the root on: whoever is admitted anew, or with a greater epoch, may have more valid admissions itself. Each is looked
    /// at once, because the epoch that an author needs only grows with the numbers of its statements.
    mutating func run() {
        var needed: [NodeID: [UInt64]] = [:]
        for (author, stated) in authors where author != root {
            needed[author] = Self.neededEpochs(of: stated.admissions, after: forgettings[author] ?? [])
        }
        var open = [root]
        while let author = open.popLast() {
            guard var stated = authors[author] else { continue }
            let epoch = author == root ? .max : latest[author]?.epoch ?? 0
            while stated.next < stated.admissions.count {
                guard author == root || epoch > needed[author]?[stated.next] ?? 0 else { break }
                let admission = stated.admissions[stated.next]
                stated.next += 1
                let former = latest[admission.subject]
                if former.map(admission.isLater) ?? true { latest[admission.subject] = admission }
                if admission.epoch > former?.epoch ?? 0, admission.subject != root { open.append(admission.subject) }
            }
            authors[author] = stated
        }
    }

    /// For each admission the epoch that its author's own must exceed: the greatest of the forgettings of the author that do
    /// not accept it.
    private static func neededEpochs(of admissions: [Admission], after forgettings: [Forgetting]) -> [UInt64] {
        let forgettings = forgettings.sorted { $0.lastAccepted < $1.lastAccepted }
        var place = 0
        var needed: UInt64 = 0
        return admissions.map { admission in
            while place < forgettings.count, forgettings[place].lastAccepted < admission.sequence {
                needed = max(needed, forgettings[place].epoch)
                place += 1
            }
            return needed
        }
    }
}
