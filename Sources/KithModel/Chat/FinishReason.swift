// SPDX-License-Identifier: Apache-2.0

/// Why an answer ended, in OpenAI's words.
///
/// A word that is not known here stays what it is: it must not be taken for a clean end.
package struct FinishReason: RawRepresentable, Hashable, Sendable, Codable {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package static let stop = FinishReason(rawValue: "stop")
    /// The token limit or the end of the context was reached.
    package static let length = FinishReason(rawValue: "length")
    package static let toolCalls = FinishReason(rawValue: "tool_calls")
    package static let contentFilter = FinishReason(rawValue: "content_filter")
    /// As ``toolCalls``, in the form before it.
    package static let functionCall = FinishReason(rawValue: "function_call")

    package var isKnown: Bool { Self.known.contains(self) }

    private static let known: Set<FinishReason> = [.stop, .length, .toolCalls, .contentFilter, .functionCall]
}
