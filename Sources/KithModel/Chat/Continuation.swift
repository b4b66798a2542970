// SPDX-License-Identifier: Apache-2.0

/// An answer that broke off: what the one who asked has of it, and what whoever goes on must not say again.
package struct PartialAnswer: Hashable, Sendable, Codable {
    package var text: String
    /// How many tokens that is, as far as it is known: the pieces in which it came.
    package var tokens: Int
    /// Whether the engine is only to read it, in case that it has to go on; missing means no.
    package var isOnlyRead: Bool?

    package init(text: String, tokens: Int, isOnlyRead: Bool? = nil) {
        self.text = text
        self.tokens = tokens
        self.isOnlyRead = isOnlyRead
    }
}

extension TokenUsage {
    /// What an answer used in all, when this is what its end used and `begun` what came before.
    ///
    /// The beginning was read with the prompt by whoever went on, and counts as made.
    package func following(_ begun: PartialAnswer) -> TokenUsage {
        var usage = self
        usage.promptTokens = max(0, promptTokens.saturatingSubtracting(begun.tokens))
        usage.completionTokens = completionTokens.saturatingAdding(begun.tokens)
        return usage
    }

    /// What the end of an answer used, when this is what all of it did: the reverse of ``following(_:)``.
    package func remaining(after begun: PartialAnswer) -> TokenUsage {
        var usage = self
        usage.promptTokens = promptTokens.saturatingAdding(begun.tokens)
        usage.completionTokens = max(0, completionTokens.saturatingSubtracting(begun.tokens))
        return usage
    }
}

extension Int {
    /// The parts come from other machines.
    fileprivate func saturatingAdding(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    fileprivate func saturatingSubtracting(_ other: Int) -> Int {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }
}

/// How an engine goes on with an answer that another has begun.
package enum ContinuationWay: Hashable, Sendable {
    /// It takes what is there for the beginning of its own answer: the last message of a chat.
    case prefill(Prefill)
    /// It can only be asked anew; what it says is compared with what is there.
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
