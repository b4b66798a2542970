// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A closure in an object of its own.
///
/// Bare in a mutex it would be wrapped again each time that the mutex gives access to it, and be a hundred thousand layers
/// deep after as many calls. As an object it is held without its type: what is generic and called from other modules
/// looks types up at run time, and each request calls a dozen listeners.
private final class Listener<Value: Sendable>: Sendable {
    let run: @Sendable (Value) -> Void

    init(_ run: @escaping @Sendable (Value) -> Void) { self.run = run }
}

/// A ``Listener``.
private typealias AnyListener = any AnyObject & Sendable

/// A listener that is set after the object that calls it was made.
package final class Callback<Value: Sendable>: Sendable {
    /// Of `Listener<Value>`.
    private let listener = Mutex<AnyListener?>(nil)

    package init() {}

    /// Calls `action` with every value from now on, in place of any earlier listener.
    package func set(_ action: @escaping @Sendable (Value) -> Void) {
        let new = Listener(action)
        let last = listener.withLock { listener in
            defer { listener = new }
            return listener
        }
        withExtendedLifetime(last) {}  // what it held ends outside of the lock
    }

    /// Removes the listener, and releases what it held.
    package func clear() {
        let last = listener.withLock { $0.take() }
        withExtendedLifetime(last) {}
    }

    /// Whether there is a listener.
    package var isSet: Bool { listener.withLock { $0 != nil } }

    /// Calls the listener, if there is one, in the calling task and outside of any lock.
    package func callAsFunction(_ value: Value) {
        guard let listener = listener.withLock({ $0 }) else { return }
        unsafeDowncast(listener, to: Listener<Value>.self).run(value)
    }
}

/// Listeners that are added after the object that calls them was made, and stay as long as it does.
package final class CallbackList<Value: Sendable>: Sendable {
    /// Of `Listener<Value>`.
    private let listeners = Mutex<[AnyListener]>([])

    package init() {}

    /// Calls `action` with every value from now on, after the listeners that were added before.
    package func add(_ action: @escaping @Sendable (Value) -> Void) {
        let new = Listener(action)
        listeners.withLock { $0.append(new) }
    }

    /// Calls the listeners, in the calling task and outside of any lock.
    package func callAsFunction(_ value: Value) {
        for listener in listeners.withLock({ $0 }) { unsafeDowncast(listener, to: Listener<Value>.self).run(value) }
    }
}
