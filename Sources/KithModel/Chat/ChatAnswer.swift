// SPDX-License-Identifier: Apache-2.0

/// An answer under way.
///
/// A stream throws ``ChatFailure`` when it breaks, and ends its generation when its iterator is dropped or the consuming
/// task is cancelled. Each stream is iterated once.
package typealias ChatStream = any AsyncSequence<ChatEvent, any Error> & Sendable

package enum ChatAnswer: Sendable {
    case events(ChatStream)
    /// The engine's own answer to ``ChatRequest/verbatim``, complete and in the client's dialect.
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

/// Texts to be embedded.
package struct EmbeddingRequest: Sendable, Codable {
    package var id: RequestID
    package var model: ModelID?
    package var inputs: [String]
    package var dimensions: Int?
    /// When the one who asked gives up. Of this process's clock; a kin is told the time that is left.
    package var deadline: Moment?

    private enum CodingKeys: String, CodingKey { case id, model, inputs, dimensions }

    package init(id: RequestID = .random(), model: ModelID? = nil, inputs: [String], dimensions: Int? = nil) {
        self.id = id
        self.model = model
        self.inputs = inputs
        self.dimensions = dimensions
    }
}

/// One vector for each input, in order.
package struct EmbeddingAnswer: Sendable, Codable {
    package var model: ModelID
    package var vectors: [[Float]]
    package var promptTokens: Int

    package init(model: ModelID, vectors: [[Float]], promptTokens: Int) {
        self.model = model
        self.vectors = vectors
        self.promptTokens = promptTokens
    }
}
