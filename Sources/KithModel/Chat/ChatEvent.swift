// SPDX-License-Identifier: Apache-2.0

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
}
