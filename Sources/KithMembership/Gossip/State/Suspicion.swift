// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The time that a suspected member has to show itself: the longest at first, shortened logarithmically by each member that
/// confirms (Lifeguard, section IV-B).
struct Suspicion: Sendable {
    /// Natural logarithms of 1 to 9.
    private static let logarithms = [
        0, 0.693147, 1.098612, 1.386294, 1.609438, 1.791759, 1.945910, 2.079442, 2.197225,
    ]

    var startedAt: Moment
    /// Who found it not to answer, by a probe of its own.
    private(set) var accusers: [NodeID] = []
    /// Set when nobody listens at its addresses: there is little to wait for.
    var hastyDeadline: Moment?
    /// What was announced as the end, so that a timer that is no longer meant can be told.
    var deadline = Moment(nanoseconds: .max)

    init(startedAt: Moment) { self.startedAt = startedAt }

    /// - Returns: Whether somebody new is among them.
    mutating func add(accusers others: [NodeID]) -> Bool {
        let before = accusers.count
        for other in others where accusers.count < MemberRecord.accuserLimit && !accusers.contains(other) {
            accusers.append(other)
        }
        return accusers.count > before
    }

    /// The own accusation goes first when there is no room.
    mutating func accuse(_ own: NodeID) -> Bool {
        if accusers.contains(own) { return false }
        if accusers.count >= MemberRecord.accuserLimit { accusers.removeLast() }
        accusers.insert(own, at: 0)
        return true
    }

    mutating func withdraw(_ own: NodeID) { accusers.removeAll { $0 == own } }

    /// - Parameter others: How many members are alive and could confirm.
    func end(settings: MembershipSettings, others: Int) -> Moment {
        let expected = min(settings.confirmations, others, Self.logarithms.count - 1)
        let regular = startedAt + Self.length(settings, expected: expected, confirmations: accusers.count - 1)
        return hastyDeadline.map { min($0, regular) } ?? regular
    }

    private static func length(_ settings: MembershipSettings, expected: Int, confirmations: Int) -> Duration {
        guard expected > 0, confirmations < expected else { return settings.suspicionMinimum }
        let part = logarithms[max(0, confirmations)] / logarithms[expected]
        let span = settings.suspicionMaximum - settings.suspicionMinimum
        return settings.suspicionMaximum - span * part
    }
}
