// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What an answer that has not begun is waiting for, as the one who asked can be told: shared by whoever makes the answer,
/// who writes it, and whoever keeps the client company, who reads it.
package final class WaitNotice: Sendable {
    private struct State {
        var reason = WaitReason.reading
        /// Requests that are before this one in the queue.
        var ahead: Int?
        /// The engine's own words, and that they have not been passed on yet.
        var comment: String?
    }

    private let state = Mutex(State())
    private let onComment = Callback<String>()

    package init() {}

    /// - Parameter onComment: Told of each comment of the engine's from now on, by whoever reads it; must not wait.
    package func whenCommented(_ onComment: @escaping @Sendable (String) -> Void) { self.onComment.set(onComment) }

    /// Nobody is to be told any more; who was told is let go, also where they hold this notice.
    package func stopTelling() { onComment.clear() }

    package func note(_ reason: WaitReason, ahead: Int? = nil) {
        state.withLock { state in
            state.reason = reason
            state.ahead = ahead
        }
    }

    /// - Parameter comment: One line of the engine's own, bounded by whoever read it.
    package func note(comment: String) {
        if onComment.isSet { onComment(comment) } else { state.withLock { $0.comment = comment } }
    }

    package var reason: WaitReason { state.withLock(\.reason) }

    /// In a few words, without line ends; an engine's comment is told once.
    package var words: String {
        state.withLock { state in
            if let comment = state.comment.take() { return comment }
            switch (state.reason, state.ahead) {
            case (.queued, let ahead?) where ahead > 0: return "queued behind \(ahead)"
            case (.queued, _): return "queued"
            case (.loading, _): return "model loading"
            case (.reading, _): return "reading the prompt"
            }
        }
    }
}
