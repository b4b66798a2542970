// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Somebody who is told of values, and is named after the one who tells was made.
package final class Callback<Value: Sendable>: Sendable {
    /// The closure is inside a type of its own because a bare one is wrapped anew each time that a mutex lends it out and
    /// takes it back: after a hundred thousand calls it would be a hundred thousand deep.
    private struct Action: Sendable {
        let run: @Sendable (Value) -> Void
    }

    private let action = Mutex<Action?>(nil)

    package init() {}

    /// Tells `action` of every value from now on, in place of whoever was told before.
    package func set(_ action: @escaping @Sendable (Value) -> Void) {
        let action = Action(run: action)
        self.action.withLock { $0 = action }
    }

    /// Tells nobody any more, and lets go of what the action held.
    package func clear() {
        let last = action.withLock { $0.take() }
        withExtendedLifetime(last) {}  // what it held ends outside of the lock
    }

    /// Whether somebody wants to know.
    package var isSet: Bool { action.withLock { $0 != nil } }

    /// Tells whoever wants to know, in the calling task and outside of any lock.
    package func callAsFunction(_ value: Value) { action.withLock { $0 }?.run(value) }
}
