// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import NIOCore
import NIOPosix
import Synchronization

/// The machine's monotonic clock, whose sleepers an event loop wakes.
///
/// `Task.sleep` wakes a thread for its timers, another to continue, often a third, and leaves the timer behind when it is
/// cancelled. A task that runs on an event loop is woken there, by no other thread; a cancelled timer is removed.
package struct EventLoopClock: TimeSource {
    /// The event loop's time stands still while the machine sleeps, and this clock's does not: it is checked now and then.
    private static let longestPause = Duration.seconds(30)

    private let clock = MonotonicClock()
    private let home: any EventLoop

    /// - Parameter group: One of its event loops wakes tasks that run on none.
    package init(group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton) { home = group.next() }

    package var now: MonotonicInstant { clock.now }

    package var minimumResolution: Duration { clock.minimumResolution }

    /// - Throws: `CancellationError`.
    package func sleep(until deadline: MonotonicInstant, tolerance: Duration?) async throws {
        let eventLoop = MultiThreadedEventLoopGroup.currentEventLoop ?? home
        try Task.checkCancellation()
        while case let rest = deadline - now, rest > .zero {
            let pause = Pause()
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation {
                    pause.begin(min(rest, Self.longestPause), on: eventLoop, $0)
                }
            } onCancel: {
                pause.cancel()
            }
        }
    }
}

/// One wait for one timer: whichever of the timer and the cancellation comes first ends it.
private final class Pause: Sendable {
    private enum State {
        /// Exits: `on`, `over`.
        case created
        /// Exits: `over`.
        case on(CheckedContinuation<Void, any Error>, Scheduled<Void>?)
        case over
    }

    private let state = Mutex(State.created)

    func begin(_ duration: Duration, on eventLoop: any EventLoop, _ sleeper: CheckedContinuation<Void, any Error>) {
        let isOn = state.withLock { state in
            guard case .created = state else { return false }
            state = .on(sleeper, nil)
            return true
        }
        guard isOn else { return sleeper.resume(throwing: CancellationError()) }
        let timer = eventLoop.scheduleTask(in: .nanoseconds(duration.clampedNanoseconds)) {
            guard let sleeper = self.end() else { return }
            sleeper.resume()
        }
        let isKept = state.withLock { state in
            guard case .on(let sleeper, _) = state else { return false }
            state = .on(sleeper, timer)
            return true
        }
        if !isKept { timer.cancel() }
    }

    func cancel() { end()?.resume(throwing: CancellationError()) }

    private func end() -> CheckedContinuation<Void, any Error>? {
        let last = state.withLock { state in
            defer { state = .over }
            return state
        }
        guard case .on(let sleeper, let timer) = last else { return nil }
        timer?.cancel()
        return sleeper
    }
}
