// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore

/// One deadline that moves often and passes rarely.
///
/// Moving it later costs nothing: the timer that is already set looks at the deadline when it fires and sets itself anew.
/// Bound to its event loop.
final class DeadlineTimer {
    private let eventLoop: any EventLoop
    private let onExpiry: () -> Void
    private var deadline: NIODeadline?
    private var wakeUp: (at: NIODeadline, scheduled: Scheduled<Void>)?

    init(eventLoop: any EventLoop, onExpiry: @escaping () -> Void) {
        self.eventLoop = eventLoop
        self.onExpiry = onExpiry
    }

    func set(after delay: Duration) {
        let deadline = eventLoop.now + .nanoseconds(delay.clampedNanoseconds)
        self.deadline = deadline
        if let wakeUp, wakeUp.at <= deadline { return }
        schedule(at: deadline)
    }

    func clear() { deadline = nil }

    /// Also lets go of the timer; for the end of a connection.
    func stop() {
        deadline = nil
        wakeUp?.scheduled.cancel()
        wakeUp = nil
    }

    private func schedule(at deadline: NIODeadline) {
        wakeUp?.scheduled.cancel()
        wakeUp = (deadline, eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.fire() })
    }

    private func fire() {
        wakeUp = nil
        guard let deadline else { return }
        if eventLoop.now < deadline {
            schedule(at: deadline)
        } else {
            self.deadline = nil
            onExpiry()
        }
    }
}
