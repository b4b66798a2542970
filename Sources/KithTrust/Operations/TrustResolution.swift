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
            if !standing.isEmpty { forgotten[subject] = Set(standing.map(\.author)) }
        }
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
    let root: NodeID
    private var pending: [Admission] = []
    private(set) var forgettings: [NodeID: [Forgetting]] = [:]
    /// The latest valid admission of each node that has one.
    private(set) var latest: [NodeID: Admission] = [:]

    init(root: NodeID, operations: some Sequence<TrustOperation>) {
        self.root = root
        var admitted: [NodeID: [NodeID]] = [:]
        var said: [(subject: NodeID, forgetting: Forgetting)] = []
        for operation in operations {
            let author = operation.author.id
            switch operation.statement {
            case .admit(let epoch, let introduction):
                admitted[author, default: []].append(operation.subject)
                pending.append(
                    Admission(
                        author: author, sequence: operation.sequence, subject: operation.subject, epoch: epoch,
                        introduction: introduction, saidAt: operation.saidAt))
            case .forget(let epoch, let lastAccepted):
                said.append((operation.subject, Forgetting(author: author, epoch: epoch, lastAccepted: lastAccepted)))
            }
        }
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

    /// Goes over the rest as long as something was found valid that was not before.
    mutating func run() {
        var before = Int.max
        while pending.count < before {
            before = pending.count
            var rest: [Admission] = []
            for admission in pending {
                guard isValid(admission) else {
                    rest.append(admission)
                    continue
                }
                if latest[admission.subject].map(admission.isLater) ?? true { latest[admission.subject] = admission }
            }
            pending = rest
        }
    }

    private func isValid(_ admission: Admission) -> Bool {
        if admission.author == root { return true }
        guard let author = latest[admission.author] else { return false }
        return (forgettings[admission.author] ?? []).allSatisfy {
            admission.sequence <= $0.lastAccepted || author.epoch > $0.epoch
        }
    }
}
