// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// An answer under way.
///
/// A stream throws ``ChatError`` when it breaks, and ends its generation when its iterator is dropped or the consuming
/// task is cancelled. Each stream is iterated once.
package typealias ChatStream = any AsyncSequence<ChatEvent, any Error> & Sendable

package enum ChatAnswer: Sendable {
    case events(ChatStream)
    /// The engine's own answer to ``ChatRequest/body``, complete and in the client's dialect.
    case verbatim(VerbatimAnswer)
}

/// A complete answer in the dialect of the request it answers.
package struct VerbatimAnswer: Sendable {
    package var contentType: String
    package var body: [UInt8]
    /// As ``TokenUsage/engineTime``.
    package var engineTime: Duration?

    package init(contentType: String, body: [UInt8], engineTime: Duration? = nil) {
        self.contentType = contentType
        self.body = body
        self.engineTime = engineTime
    }
}

/// What an engine says while it answers.
///
/// An answer comes either as deltas and `finished`, or, where the client speaks the engine's dialect, as `raw` and `rawEnd`.
package enum ChatEvent: Hashable, Sendable {
    /// Nothing yet, and why; keeps waiting clients from giving up.
    case waiting(WaitReason)
    /// A comment or progress report of the engine's own: a sign of life. One line of at most ``commentLimit`` bytes.
    case comment(String)
    /// The next piece of the answer.
    case delta(ChatDelta)
    /// The next pieces of the answer in the client's own dialect.
    case raw(RawEvents)
    /// The end of a whole answer; nothing follows. A stream that ends without it was cut off.
    case finished(FinishReason, TokenUsage)
    /// The end of a whole answer that came as `raw`, which holds the reason too; `nil` when the engine gave none.
    case rawEnd(FinishReason?, TokenUsage)

    package static let commentLimit = 200
}

package enum WaitReason: String, Hashable, Sendable, Codable {
    /// All slots are taken; the request stands in the engine's queue.
    case queued
    /// The engine is loading the model.
    case loading
    /// The engine is reading the prompt.
    case reading
    /// The machine that is to answer is being woken. Said only by the node that the client asked.
    case waking
}

/// Pieces of an answer in the client's own dialect, to be passed on as they are.
package struct RawEvents: Hashable, Sendable {
    /// What the pieces hold besides text of the first choice.
    package struct Contents: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        // Computed, and not `[]`, since pieces are counted by the ten thousand a second.
        package static var none: Contents { Contents(rawValue: 0) }
        package static var toolCall: Contents { Contents(rawValue: 1) }
        package static var reasoning: Contents { Contents(rawValue: 2) }
        /// Something of a choice other than the first.
        package static var otherChoice: Contents { Contents(rawValue: 4) }
        package static var refusal: Contents { Contents(rawValue: 8) }
        package static var usage: Contents { Contents(rawValue: 16) }
    }

    /// Whole events, each `data: {…}` and a blank line; never `[DONE]`.
    package var bytes: [UInt8]
    /// Events that add something to the answer: about as many tokens.
    package var tokens: Int
    /// The text of the first choice, as JSON writes it between quotes.
    package var escapedText: [UInt8]
    package var contents: Contents
    /// Why the first choice ended, when one of the events says so.
    package var finish: FinishReason?

    package init(
        bytes: [UInt8] = [], tokens: Int = 0, escapedText: [UInt8] = [], contents: Contents = .none,
        finish: FinishReason? = nil
    ) {
        self.bytes = bytes
        self.tokens = tokens
        self.escapedText = escapedText
        self.contents = contents
        self.finish = finish
    }

    /// The text of the first choice.
    package var text: String {
        guard case .string(let text) = try? JSONValue(parsing: [0x22] + escapedText + [0x22]) else { return "" }
        return text
    }
}

/// Why an answer ended, in OpenAI's words.
///
/// An unknown word is kept as it is: it must not be taken for a clean end.
package struct FinishReason: RawRepresentable, Hashable, Sendable, Codable {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package static let stop = FinishReason(rawValue: "stop")
    /// The token limit or the end of the context was reached.
    package static let length = FinishReason(rawValue: "length")
    package static let toolCalls = FinishReason(rawValue: "tool_calls")
    package static let contentFilter = FinishReason(rawValue: "content_filter")
    /// As ``toolCalls``, in the older form.
    package static let functionCall = FinishReason(rawValue: "function_call")

    package var isKnown: Bool { Self.known.contains(self) }

    private static let known: Set<FinishReason> = [.stop, .length, .toolCalls, .contentFilter, .functionCall]
}

/// Tells a client what its answer is waiting for, before the answer begins. Shared by the code that makes the answer,
/// which writes it, and the code that keeps the connection alive, which reads it.
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

    /// - Parameter onComment: Called with each later comment of the engine, where it is read; must not wait.
    package func whenCommented(_ onComment: @escaping @Sendable (String) -> Void) { self.onComment.set(onComment) }

    /// Ends the calls that ``whenCommented(_:)`` began, and releases the closure, even if it holds this notice.
    package func stopTelling() { onComment.clear() }

    package func note(_ reason: WaitReason, ahead: Int? = nil) {
        state.withLock { state in
            state.reason = reason
            state.ahead = ahead
        }
    }

    /// - Parameter comment: One line from the engine; the code that reads it bounds its length.
    package func note(comment: String) {
        if onComment.isSet { onComment(comment) } else { state.withLock { $0.comment = comment } }
    }

    package var reason: WaitReason { state.withLock(\.reason) }

    /// In a few words, without line ends; an engine's comment is given once.
    package var words: String {
        state.withLock { state in
            if let comment = state.comment.take() { return comment }
            switch (state.reason, state.ahead) {
            case (.queued, let ahead?) where ahead > 0: return "queued behind \(ahead)"
            case (.queued, _): return "queued"
            case (.loading, _): return "model loading"
            case (.reading, _): return "reading the prompt"
            case (.waking, _): return "waking a machine"
            }
        }
    }
}
