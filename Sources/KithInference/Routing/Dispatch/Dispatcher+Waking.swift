// SPDX-License-Identifier: Apache-2.0

import KithModel

extension Dispatcher {
    /// What comes of a request for which nobody is awake.
    enum Waking: Sendable {
        /// Decide again after this time.
        case wait(Duration)
        /// Nobody is woken; the decision says why.
        case nobody(RouteDecision)
    }

    /// Until when one request waits for machines to wake.
    struct WakePatience: Sendable {
        private var end: MonotonicInstant?
        /// The machine that was woken for it last.
        var woken: NodeID?

        /// Whether the request has waited for as long as it may.
        func isOver(now: MonotonicInstant) -> Bool { end.map { now >= $0 } ?? false }

        /// - Parameter until: When the waking of a machine is given up. The first of them sets how long the request waits in all:
        ///   as long again, for another one that is tried after it.
        /// - Returns: When this wait ends.
        mutating func end(until: MonotonicInstant, now: MonotonicInstant) -> MonotonicInstant {
            let last = end ?? until + max(until - now, .zero)
            end = last
            return min(until, last)
        }
    }

    private static let notUp = "it was sent what wakes it and is not up yet"
    /// Between two looks whether the machine is there.
    private static let pause = Duration.milliseconds(200)

    /// Wakes the machine that would answer if it were up: the best of those that sleep, or the next best where that one is not
    /// woken.
    ///
    /// - Parameter decision: Made now, without a candidate.
    func wake(
        for wanted: RouteRequest, after decision: RouteDecision, without failed: [RouteDecision.Skip],
        deadline: MonotonicInstant?, _ patience: inout WakePatience
    ) -> Waking {
        guard wanted.mayWake else { return .nobody(decision) }
        var decision = decision
        let now = clock.now
        // Nobody is woken for a request that ends before anybody could be up.
        guard !patience.isOver(now: now), deadline.map({ now < $0 }) ?? true else {
            if let woken = patience.woken { decision.note(asleep: woken, Self.notUp) }
            return .nobody(decision)
        }
        for choice in choicesAmongSleepers(for: wanted, without: failed, now: now) {
            switch mesh.wake(choice.candidate.node) {
            case .underWay(let until):
                patience.woken = choice.candidate.node
                let end = min(patience.end(until: until, now: now), deadline ?? until)
                if now < end { return .wait(min(Self.pause, end - now)) }
                // One request has one machine woken at a time.
                decision.note(asleep: choice.candidate.node, Self.notUp)
                return .nobody(decision)
            case .refused(let reason): decision.note(asleep: choice.candidate.node, reason)
            }
        }
        return .nobody(decision)
    }

    /// Who waits for less wakes nobody.
    static let leastWait = Duration.seconds(10)
    /// How many times longer the wait has to be than with a machine that is woken: both are estimates, and a machine that is
    /// woken needlessly runs for hours.
    static let sooner = 1.5

    /// Wakes a machine with which the request would be answered clearly sooner than where it would go now, with the time that it
    /// usually takes to wake and to load the model.
    ///
    /// - Parameter decision: Made now, with candidates.
    /// - Returns: How long to wait before deciding again; `nil` where it is not to wait.
    func wakesSooner(
        than decision: RouteDecision, for wanted: RouteRequest, without failed: [RouteDecision.Skip],
        deadline: MonotonicInstant?, _ patience: inout WakePatience
    ) -> Duration? {
        let now = clock.now
        guard wanted.mayWake, let wait = decision.choices.first?.estimate.untilWhole, wait >= Self.leastWait,
            !patience.isOver(now: now)
        else { return nil }
        for choice in choicesAmongSleepers(for: wanted, without: failed, now: now) {
            let node = choice.candidate.node
            guard let left = mesh.wakeForecast(of: node)?.left(now: now) else { continue }
            guard (left + choice.estimate.untilWhole) * Self.sooner < wait, deadline.map({ now + left < $0 }) ?? true,
                case .underWay(let until) = mesh.wake(node)
            else { return nil }
            patience.woken = node
            let end = min(patience.end(until: until, now: now), deadline ?? until)
            return now < end ? min(Self.pause, end - now) : nil
        }
        return nil
    }

    private func choicesAmongSleepers(
        for wanted: RouteRequest, without failed: [RouteDecision.Skip], now: MonotonicInstant
    ) -> [RouteDecision.Choice] {
        let sleepers = mesh.snapshots().filter { node in
            node.reachability == .asleep && !failed.contains { $0.node == node.id }
        }
        if sleepers.isEmpty { return [] }
        return decide(wanted, among: sleepers.map(\.awake), now: now).choices
    }
}

extension RouteDecision {
    fileprivate mutating func note(asleep node: NodeID, _ why: String) {
        if let place = skipped.firstIndex(where: { $0.node == node }) { skipped[place].reason = .asleep(why) }
    }
}

extension NodeSnapshot {
    /// As it will be when it is up.
    fileprivate var awake: NodeSnapshot {
        var node = self
        (node.reachability, node.engine, node.outstanding, node.isDraining) = (.up, .ready, 0, false)
        // What it had in memory may be gone; and what it had free, or drew its power from, was before it slept.
        (node.resident, node.machine) = (node.resident.map { _ in [] }, nil)
        return node
    }
}
