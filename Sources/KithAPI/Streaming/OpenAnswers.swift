// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// The answers that are being streamed to clients: a node that stops ends those in words that do not end by themselves in
/// time.
package final class OpenAnswers: Sendable {
    /// How long answers may go on once the node stops; `docker stop` kills after 10 s.
    package static let grace = Duration.seconds(8)

    private struct Action: Sendable {
        let end: @Sendable () -> Void
    }

    private struct State {
        var actions: [UInt64: Action] = [:]
        var next: UInt64 = 0
        var isOver = false
    }

    /// What an answer holds for as long as it is written.
    final class Place: Sendable {
        private let number: UInt64
        private weak let answers: OpenAnswers?

        fileprivate init(number: UInt64, of answers: OpenAnswers) {
            self.number = number
            self.answers = answers
        }

        deinit { answers?.remove(number) }
    }

    private let state = Mutex(State())

    package init() {}

    package var count: Int { state.withLock { $0.actions.count } }

    static var failure: ChatError { ChatError(.interrupted, "the node is being stopped and cannot finish this answer") }

    /// - Parameter end: Ends the answer with ``failure``; called at most once, by any thread, and at once when all are to end.
    func add(_ end: @escaping @Sendable () -> Void) -> Place {
        let action = Action(end: end)
        let (number, isOver) = state.withLock { state in
            state.next &+= 1
            if !state.isOver { state.actions[state.next] = action }
            return (state.next, state.isOver)
        }
        if isOver { end() }
        return Place(number: number, of: self)
    }

    private func remove(_ number: UInt64) {
        let removed = state.withLock { $0.actions.removeValue(forKey: number) }
        withExtendedLifetime(removed) {}  // what it held ends outside of the lock
    }

    /// Ends all of them, and those that are added later.
    package func endAll() {
        let actions = state.withLock { state in
            state.isOver = true
            defer { state.actions = [:] }
            return state.actions
        }
        for action in actions.values { action.end() }
    }
}
