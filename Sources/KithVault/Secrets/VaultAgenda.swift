// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What to ask Vault next: about the token first, then for the secrets that are due. A pure value.
struct VaultAgenda: Sendable {
    enum Step: Hashable {
        case ask(LeaseKeeper.Question)
        /// A path.
        case read(String)
        case wait(until: Moment?)
    }

    var lease: LeaseKeeper
    private(set) var reads: [String: ReadSchedule] = [:]

    init(lease: LeaseKeeper) { self.lease = lease }

    /// Adds what is to be read, or read anew because more of it is wanted.
    mutating func add(_ paths: some Sequence<String>, at now: Moment) {
        for path in paths { reads[path] = ReadSchedule(at: now) }
    }

    mutating func update(_ path: String, _ change: (inout ReadSchedule) -> Void) {
        guard var schedule = reads[path] else { return }
        change(&schedule)
        reads[path] = schedule
    }

    func next(at now: Moment) -> Step {
        guard !reads.isEmpty else { return .wait(until: nil) }
        let until: Moment?
        switch lease.next(at: now) {
        case .ask(let question): return .ask(question)
        case .wait(let moment): until = moment
        }
        guard lease.isUsable(at: now), let first = reads.min(by: { ($0.value.due, $0.key) < ($1.value.due, $1.key) })
        else { return .wait(until: until) }
        if first.value.due <= now { return .read(first.key) }
        return .wait(until: until.map { min($0, first.value.due) } ?? first.value.due)
    }
}
