// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// Lets another engine read an answer along while it is given, so that it can take over at once: reading what there is
/// takes a real engine a second for each few hundred tokens, and it would do so while the client waits.
final class Standby: Sendable {
    /// Tokens between two readings; an engine remembers what it has read, and reads only what is new.
    static let interval = 32
    /// Tokens after which an idle engine is looked for again.
    static let patience = 8

    /// The result of having an answer read.
    enum Reading: Sendable {
        case by(NodeID)
        case nobodyNow
        /// The engine that would take over cannot continue from where the answer is.
        case impossible
    }

    private enum Phase: Sendable {
        /// Leaves to `reading`.
        case resting(readTokens: Int)
        /// Leaves to `resting`, or to `over` when no engine can read.
        case reading(Task<Void, Never>)
        case over
    }

    private struct State {
        var phase = Phase.resting(readTokens: 0)
        var node: NodeID?
    }

    private let dispatcher: Dispatcher
    private let wanted: RouteRequest
    private let state = Mutex(State())

    init(for wanted: RouteRequest, dispatcher: Dispatcher) {
        self.dispatcher = dispatcher
        self.wanted = wanted
    }

    deinit { stop() }

    /// The node that has read the most of the answer.
    var node: NodeID? { state.withLock(\.node) }

    /// The client has received another token.
    func advance(_ progress: borrowing DeliveredAnswer, givenBy candidate: Candidate) {
        state.withLock { state in
            guard case .resting(let read) = state.phase, progress.tokens - read >= Self.interval else { return }
            guard case .ask(var rest) = progress.rest, rest.begun != nil else {
                state.phase = .over
                return
            }
            rest.begun?.isOnlyRead = true
            rest.sampling.maxTokens = 1
            let tokens = progress.tokens
            state.phase = .reading(
                Task { [weak self, dispatcher, wanted, rest] in
                    let reading = await dispatcher.read(rest, as: wanted, besides: candidate)
                    self?.ended(reading, at: tokens)  // weak: dropping the answer stops it
                })
        }
    }

    /// The answer is over, or another engine is about to continue.
    func stop() {
        state.withLock { state in
            if case .reading(let task) = state.phase { task.cancel() }
            state.phase = .over
        }
    }

    private func ended(_ reading: Reading, at tokens: Int) {
        state.withLock { state in
            guard case .reading = state.phase else { return }
            switch reading {
            case .by(let node):
                state.node = node
                state.phase = .resting(readTokens: tokens)
            case .nobodyNow: state.phase = .resting(readTokens: tokens - Self.interval + Self.patience)
            case .impossible: state.phase = .over
            }
        }
    }
}
