// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithModel
import Synchronization
import SystemPackage

/// Shows how far something has come, in one line of standard error that is written over; nowhere but on a terminal.
final class ProgressMeter: Sendable {
    private struct State {
        var shownAt: MonotonicInstant?
        var isOnLine = false
    }

    private static let pause = Duration.milliseconds(100)

    private let isShown = Terminal.isTerminal(.standardError) && Terminal.environment["TERM"] != "dumb"
    private let clock = MonotonicClock()
    private let state = Mutex(State())

    func show(_ bar: ProgressBar) {
        guard isShown else { return }
        state.withLock { state in
            let now = clock.now
            if let shownAt = state.shownAt, now - shownAt < Self.pause, bar.done != bar.total { return }
            state.shownAt = now
            state.isOnLine = true
            // One column is left free: a full line would begin the next one.
            Terminal.note(TerminalText(inPlace: bar.line(width: Terminal.errorWidth - 1)))
        }
    }

    /// Takes the line away, so that something else can be written.
    func clear() {
        state.withLock { state in
            if state.isOnLine { Terminal.note(TerminalText(inPlace: "")) }
            state = State()
        }
    }

    deinit { clear() }
}
