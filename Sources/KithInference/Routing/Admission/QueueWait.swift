// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How long one request waits for room when every queue is full, and what is done next: a pure value.
package struct QueueWait: Hashable, Sendable {
    package enum Step: Sendable {
        case ask(RouteDecision.Choice)
        /// Decide again after this time.
        case wait(Duration)
        /// The same, because somebody who may be able to answer is about to be ready.
        case waitForLoading(Duration)
        case giveUp(ChatError)
        /// There is no candidate to ask or to wait for: see ``RouteDecision/refusal(of:now:)``.
        case nobody
    }

    package static let ordinary = Duration.seconds(30)
    /// Between two decisions at least.
    package static let shortestWait = Duration.milliseconds(20)
    /// And at most: room may come sooner than predicted.
    package static let longestWait = Duration.seconds(1)

    /// Between two decisions while a model is loaded.
    package static let loadingWait = Duration.milliseconds(200)

    private let end: MonotonicInstant
    private let deadline: MonotonicInstant?

    /// - Parameters:
    ///   - began: When the request came.
    ///   - deadline: When the client gives up.
    package init(began: MonotonicInstant, limit: Duration = QueueWait.ordinary, deadline: MonotonicInstant? = nil) {
        end = began + limit
        self.deadline = deadline
    }

    /// - Parameters:
    ///   - decision: Made now, without candidates that failed for another reason than being full.
    ///   - ahead: How many have been waiting for longer.
    ///   - preferred: The node that should answer, if it may.
    package func next(
        _ decision: RouteDecision, ahead: Int = 0, preferring preferred: NodeID? = nil, now: MonotonicInstant
    ) -> Step {
        let open = decision.choices.lazy.filter { $0.full == nil }
        if let choice = open.first(where: { $0.candidate.node == preferred }) ?? open.first { return .ask(choice) }
        let last = min(end, deadline ?? end)
        guard let roomAt = decision.roomAt else {
            guard decision.choices.isEmpty, decision.isLoading, now < last else { return .nobody }
            return .waitForLoading(min(Self.loadingWait, last - now))
        }
        guard now < last, roomAt < last else { return .giveUp(Self.refusal(decision, now: now)) }
        // Later requests decide later: the next place is for those ahead.
        let turn = max(roomAt - now, Self.shortestWait) * Double(1 + max(0, ahead))
        return .wait(min(turn, last - now, Self.longestWait))
    }

    /// For a request that cannot wait, or no longer.
    package static func refusal(_ decision: RouteDecision, now: MonotonicInstant) -> ChatError {
        let rooms = decision.choices.compactMap(\.full)
        let wait = (rooms.map(\.turn).min() ?? now) - now
        let isQuota = !rooms.isEmpty && rooms.allSatisfy(\.isQuota)
        return ChatError(
            .rateLimited,
            isQuota ? "whoever could answer wants fewer requests" : "every queue is full",
            retryAfter: .seconds(min(max(wait.seconds.rounded(.up), 1), 86_400)))
    }
}

/// The requests that wait at a dispatcher for room: those that somebody waits for before the others, each in the order in
/// which they came; bounded.
package struct WaitingRoom: Sendable {
    package static let capacity = 1_024
    /// Of batch work, which leaves the rest of the places to others.
    package static let batchCapacity = capacity / 2

    private var waiting: [RequestID] = []
    private var batch: [RequestID] = []

    package init() {}

    package var count: Int { waiting.count + batch.count }

    /// - Returns: How many are ahead of it; `nil` when there is no room even to wait. For a request that waits already, how
    ///   many are now.
    package mutating func enter(_ id: RequestID, _ priority: RequestPriority = .interactive) -> Int? {
        switch priority {
        case .interactive:
            if let place = waiting.firstIndex(of: id) { return place }
            guard count < Self.capacity else { return nil }
            waiting.append(id)
            return waiting.count - 1
        case .batch:
            if let place = batch.firstIndex(of: id) { return waiting.count + place }
            guard count < Self.capacity, batch.count < Self.batchCapacity else { return nil }
            batch.append(id)
            return waiting.count + batch.count - 1
        }
    }

    package mutating func leave(_ id: RequestID) {
        waiting.removeAll { $0 == id }
        batch.removeAll { $0 == id }
    }
}
