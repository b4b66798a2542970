// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What one request used of an engine.
package struct RequestUse: Hashable, Sendable {
    package var model: ModelID
    package var node: NodeName?
    package var promptTokens: Int
    package var answerTokens: Int

    package init(model: ModelID, node: NodeName?, promptTokens: Int = 0, answerTokens: Int = 0) {
        self.model = model
        self.node = node
        self.promptTokens = max(0, promptTokens)
        self.answerTokens = max(0, answerTokens)
    }

    package var tokens: Int { UsageCount.sum(promptTokens, answerTokens) }
}

/// A request's place among those that its sender may have under way, and the account on which it is put. Reports what it
/// used exactly once: when that is known, or when the request is dropped.
package final class UsageClaim: Sendable {
    private struct State {
        var report: (@Sendable (RequestUse?) -> Void)?
        var expected: RequestUse?
    }

    private let state: Mutex<State>

    /// - Parameter report: Called once, with `nil` for a request that no engine worked on; must not wait.
    package init(report: @escaping @Sendable (RequestUse?) -> Void) { state = Mutex(State(report: report)) }

    deinit { settle(state.withLock(\.expected)) }

    /// What is reported if the request is dropped from now on.
    package func expect(_ use: RequestUse) { state.withLock { $0.expected = use } }

    package func settle(_ use: RequestUse?) { state.withLock { $0.report.take() }?(use) }
}
