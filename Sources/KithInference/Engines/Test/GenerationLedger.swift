// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts the generations of a test engine, so that a test can see one being cancelled where it matters.
package final class GenerationLedger: Sendable {
    package struct Counts: Hashable, Sendable {
        package var active = 0
        /// Came to their end.
        package var finished = 0
        /// Dropped or cancelled before their end.
        package var cancelled = 0
        /// Tokens handed out by all generations.
        package var tokens = 0
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
