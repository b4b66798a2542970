// SPDX-License-Identifier: Apache-2.0

/// How far this node doubts itself: the local health multiplier of Lifeguard (Dadgar, Phillips and Currey, "Lifeguard: SWIM-ing
/// with situational awareness", 2017, section IV-A).
///
/// Failed probes, missing answers of helpers, contradicted suspicions and late wake-ups raise it, good probes lower it. Whoever
/// doubts itself waits longer before it accuses others.
package struct LocalHealth: Sendable, Hashable {
    private let limit: Int
    /// 0 when all is well.
    package private(set) var doubt = 0

    package init(limit: Int) { self.limit = max(0, limit) }

    /// What intervals and timeouts are multiplied with, at least 1.
    package var scale: Int { doubt + 1 }

    mutating func raise() { doubt = min(doubt + 1, limit) }

    mutating func lower() { doubt = max(doubt - 1, 0) }
}
