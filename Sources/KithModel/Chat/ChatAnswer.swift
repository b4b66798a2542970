// SPDX-License-Identifier: Apache-2.0

/// An answer under way.
///
/// A stream throws ``ChatFailure`` when it breaks, and ends its generation when its iterator is dropped or the consuming
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
