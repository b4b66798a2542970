// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How long an answer may pause between two tokens.
package struct StallLimit: Hashable, Sendable {
    package var ordinary: Duration
    /// Where tools may be called: some engines write a call in silence and show it when it is whole.
    package var withTools: Duration

    package init(
        ordinary: Duration = ChatRequest.ordinaryStallLimit, withTools: Duration = ChatRequest.ordinaryToolStallLimit
    ) {
        self.ordinary = ordinary
        self.withTools = withTools
    }

    /// - Parameter kind: `nil` for a kin, whose engine may be of any kind.
    package func limit(for request: ChatRequest, kind: EngineKind?) -> Duration {
        switch kind {
        case .anthropic, .echo, .count: ordinary
        case .ollama, .openAI, .embedded, nil:
            Feature.needed(by: request).contains(.tools) ? max(ordinary, withTools) : ordinary
        }
    }
}
