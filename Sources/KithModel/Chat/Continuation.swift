// SPDX-License-Identifier: Apache-2.0

/// An answer that broke off: the part that the client has, which the engine that continues must not repeat.
package struct PartialAnswer: Hashable, Sendable, Codable {
    package var text: String
    /// How many tokens that is, as far as it is known: the pieces in which it came.
    package var tokens: Int
    /// Whether the engine only reads it, in case it has to continue it later; missing means no.
    package var isOnlyRead: Bool?
    /// What the model thought before it answered; missing means nothing.
    package var reasoning: String?
    /// The tool calls that the client has, of which the last may be half written; missing means none.
    package var calls: [PartialCall]?

    package init(
        text: String, tokens: Int, isOnlyRead: Bool? = nil, reasoning: String? = nil, calls: [PartialCall]? = nil
    ) {
        self.text = text
        self.tokens = tokens
        self.isOnlyRead = isOnlyRead
        self.reasoning = reasoning
        self.calls = calls
    }
}

/// A tool call, or the beginning of one.
package struct PartialCall: Hashable, Sendable, Codable {
    /// Under which the client knows it; missing means its place among the calls.
    package var index: Int?
    package var name: String
    /// JSON, as far as it was written.
    package var arguments: String

    package init(index: Int? = nil, name: String, arguments: String) {
        self.index = index
        self.name = name
        self.arguments = arguments
    }
}

extension TokenUsage {
    /// The usage of a whole answer, when this is the usage of its end and `begun` is what came before.
    ///
    /// The engine that continued read the beginning with the prompt; here it counts as generated.
    package func following(_ begun: PartialAnswer) -> TokenUsage {
        var usage = self
        usage.promptTokens = max(0, promptTokens.saturatingSubtracting(begun.tokens))
        usage.completionTokens = completionTokens.saturatingAdding(begun.tokens)
        return usage
    }

    /// The usage of the end of an answer, when this is the usage of all of it: the reverse of ``following(_:)``.
    package func remaining(after begun: PartialAnswer) -> TokenUsage {
        var usage = self
        usage.promptTokens = promptTokens.saturatingAdding(begun.tokens)
        usage.completionTokens = max(0, completionTokens.saturatingSubtracting(begun.tokens))
        return usage
    }
}

/// How an engine continues an answer that another has begun.
package enum ContinuationWay: Hashable, Sendable {
    /// It continues the text so far, which it is given as the last message of a chat.
    case prefill(Prefill)
    /// It can only be asked again; its answer is compared with the text so far.
    case anew

    package struct Prefill: Hashable, Sendable {
        /// Fields that the engine's dialect wants beside the message.
        package var extensions: JSONObject
        /// Whether the beginning may end in white space.
        package var mayEndInSpace: Bool

        package init(extensions: JSONObject = [:], mayEndInSpace: Bool = true) {
            self.extensions = extensions
            self.mayEndInSpace = mayEndInSpace
        }
    }
}
