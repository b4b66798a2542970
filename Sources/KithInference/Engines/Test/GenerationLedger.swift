// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts the generations of a test engine, so that a test can see one being cancelled where it matters.
package final class GenerationLedger: Sendable {
    package struct Counts: Hashable, Sendable {
        package var active: Int
        /// Came to their end.
        package var finished: Int
        /// Dropped or cancelled before their end.
        package var cancelled: Int
        /// Tokens handed out by all generations.
        package var tokens: Int

        package init(active: Int = 0, finished: Int = 0, cancelled: Int = 0, tokens: Int = 0) {
            self.active = active
            self.finished = finished
            self.cancelled = cancelled
            self.tokens = tokens
        }
    }

    private let state = Mutex(Counts())

    package init() {}

    package var counts: Counts { state.withLock { $0 } }

    func begin() { state.withLock { $0.active += 1 } }

    func handedOutToken() { state.withLock { $0.tokens += 1 } }

    func finish() {
        state.withLock { counts in
            counts.active -= 1
            counts.finished += 1
        }
    }

    func cancel() {
        state.withLock { counts in
            counts.active -= 1
            counts.cancelled += 1
        }
    }
}
