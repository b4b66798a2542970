// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a failed attempt says, and about whom: whether others must know of it.
package struct Blame: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        /// The client has gone or gave up: nothing is learned.
        case nobody
        /// Only this request is affected: the failure says nothing about others.
        case request
        /// The candidate lacks what the request needs; requests that do not need it are not affected.
        case feature(Feature)
        /// Too much to do there: a reason to wait, not a fault.
        case load(RoomForecast)
        /// It cannot answer for a while, and said so.
        case pause(Duration, String)
        /// It refuses the key that this node sends.
        case key
        /// Counts towards the breaker, and as a long wait.
        case candidate
    }

    /// The longest pause that a candidate can ask for.
    package static let longestPause = Duration.seconds(600)

    package var subject: Subject
    /// Whether another candidate may do better.
    package var triesAnother: Bool
    /// Whether the engine's list of models should be read again.
    package var asksCatalogue = false

    /// - Parameter needs: The features that the failed request used.
    package init(_ failure: ChatError, needs: Set<Feature> = []) {
        switch failure.code {
        case .cancelled, .deadlineExceeded: (subject, triesAnother) = (.nobody, false)
        case .malformedRequest, .invalidRequest, .nodeNotFound: (subject, triesAnother) = (.request, false)
        case .cannotContinue: (subject, triesAnother) = (.request, true)
        case .modelNotFound: (subject, triesAnother, asksCatalogue) = (.request, true, true)
        case .unsupported:
            (subject, triesAnother) = (Self.lack(failure, needs).map(Subject.feature) ?? .request, true)
        case .overloaded, .rateLimited: (subject, triesAnother) = (.load(RoomForecast(failure)), true)
        case .noEngine:
            let pause = min(max(failure.retryAfter ?? .seconds(1), .zero), .seconds(10))
            (subject, triesAnother) = (.pause(pause, String(failure.message.prefix(120))), true)
        case .unauthorized: (subject, triesAnother) = (.key, true)
        case .engineError:
            let lack = Feature.denied(in: failure.message).flatMap { needs.contains($0) ? $0 : nil }
            (subject, triesAnother) = (lack.map(Subject.feature) ?? .candidate, true)
        case .unreachable, .timeout, .interrupted, .invalidAnswer: (subject, triesAnother) = (.candidate, true)
        }
    }

    /// Only a feature that the request needed: nobody can make an engine seem to lack what was not asked of it.
    private static func lack(_ failure: ChatError, _ needs: Set<Feature>) -> Feature? {
        if failure.field == nil, let service = needs.first(where: { $0.service != nil }) { return service }
        if let denied = Feature.denied(in: failure.message) { return needs.contains(denied) ? denied : nil }
        if let lacking = needs.first(where: { $0.isAllOrNothing && $0.field == failure.field }) { return lacking }
        // An error that names a field is about the field's value.
        return failure.field == nil && needs.count == 1 ? needs.first : nil
    }

    /// Whether the candidate did not even read the prompt.
    var isUnread: Bool {
        switch subject {
        case .request, .feature, .load, .pause, .key: true
        case .nobody, .candidate: false
        }
    }

    /// Whether the only reason is that there was too much to do.
    package var isLoad: Bool { if case .load = subject { true } else { false } }
}

/// When a full candidate may have room again.
package struct RoomForecast: Hashable, Sendable {
    /// When the next place comes free.
    package var room: Duration
    /// When the turn of a request that is turned away now would have come.
    package var turn: Duration
    /// Whether the reason is a provider that wants fewer requests, not a full queue.
    package var isQuota: Bool

    package init(room: Duration, turn: Duration, isQuota: Bool = false) {
        self.room = room
        self.turn = turn
        self.isQuota = isQuota
    }

    init(_ failure: ChatError) {
        let told = min(max(failure.retryAfter ?? failure.roomAfter ?? .seconds(1), .zero), Blame.longestPause)
        // A candidate that says "at once" still gets a pause.
        room = max(min(failure.roomAfter ?? told, told), .milliseconds(50))
        turn = max(told, room)
        isQuota = failure.code == .rateLimited
    }
}
