// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A listener that is set after the object that calls it was made.
package final class Callback<Value: Sendable>: Sendable {
    /// A type of its own around the closure: a bare one is wrapped again each time that the mutex gives access to it, and
    /// would be a hundred thousand layers deep after as many calls.
    private struct Action: Sendable {
        let run: @Sendable (Value) -> Void
    }

    private let action = Mutex<Action?>(nil)

    package init() {}

    /// Calls `action` with every value from now on, in place of any earlier listener.
    package func set(_ action: @escaping @Sendable (Value) -> Void) {
        let action = Action(run: action)
        self.action.withLock { $0 = action }
    }

    /// Removes the listener, and releases what it held.
    package func clear() {
        let last = action.withLock { $0.take() }
        withExtendedLifetime(last) {}  // what it held ends outside of the lock
    }

    /// Whether there is a listener.
    package var isSet: Bool { action.withLock { $0 != nil } }

    /// Calls the listener, if there is one, in the calling task and outside of any lock.
    package func callAsFunction(_ value: Value) { action.withLock { $0 }?.run(value) }
}

/// Listeners that are added after the object that calls them was made, and stay as long as it does.
package final class CallbackList<Value: Sendable>: Sendable {
    /// As in ``Callback``.
    private struct Action: Sendable {
        let run: @Sendable (Value) -> Void
    }

    private let actions = Mutex<[Action]>([])

    package init() {}

    /// Calls `action` with every value from now on, after the listeners that were added before.
    package func add(_ action: @escaping @Sendable (Value) -> Void) {
        let action = Action(run: action)
        actions.withLock { $0.append(action) }
    }

    /// Calls the listeners, in the calling task and outside of any lock.
    package func callAsFunction(_ value: Value) {
        for action in actions.withLock({ $0 }) { action.run(value) }
    }
}
