// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// A sleep that another task may end. One task sleeps; any may wake it.
final class WakeableSleep: Sendable {
    private struct State {
        /// It was woken while nobody slept: the next sleep returns at once.
        var wasCalled = false
        var nap: Task<Void, Never>?
    }

    private let clock: any TimeSource
    private let state = Mutex(State())

    init(clock: any TimeSource) { self.clock = clock }

    /// Returns at `deadline`, when ``wake()`` is called, or when the task is cancelled.
    ///
    /// - Parameter deadline: `nil` for none.
    func sleep(until deadline: MonotonicInstant?) async {
        // A task of its own, because `wake()` cancels it, and the task that sleeps goes on.
        let nap = Task { [clock] in
            do {
                try await clock.sleep(until: deadline ?? clock.now + .seconds(86_400), tolerance: nil)
            } catch {
                // It was woken, or the sleeping task was cancelled.
            }
        }
        let wasCalled = state.withLock { state in
            defer { state.wasCalled = false }
            state.nap = nap
            return state.wasCalled
        }
        if wasCalled { nap.cancel() }
        await withTaskCancellationHandler {
            await nap.value
        } onCancel: {
            nap.cancel()
        }
        state.withLock { $0.nap = nil }
    }

    func wake() {
        let nap = state.withLock { state in
            state.wasCalled = state.nap == nil
            return state.nap
        }
        nap?.cancel()
    }
}
