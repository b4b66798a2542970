// SPDX-License-Identifier: Apache-2.0

/// Texts to be embedded.
package struct EmbeddingRequest: Sendable, Codable {
    package var id: RequestID
    package var model: ModelID?
    /// The texts; fewer than ``inputCount`` when the client gave tokens, which are in ``body`` only.
    package var inputs: [String]
    /// How many vectors are asked for.
    package var inputCount: Int
    package var dimensions: Int?
    /// What the client wrote, for engines of the same dialect.
    package var body: ClientBody?
    /// When the caller gives up, by this process's clock; a kin is told the time that is left.
    package var deadline: MonotonicInstant?
    /// Where in which trace it is.
    package var trace = TracePosition.untraced
    /// The path that the client asked, for traces.
    package var path: String?
    /// Whether it goes before other requests where they wait; a kin is told.
    package var priority = RequestPriority.interactive
    /// The only models that may answer; empty for all.
    package var allowedModels: [ModelID] = []
    /// What the caller is told to have used by it. In the node that the client asked.
    package var claim: UsageClaim?

    private enum CodingKeys: String, CodingKey { case id, model, inputs, inputCount, dimensions, body }

    package init(
        id: RequestID = .random(), model: ModelID? = nil, inputs: [String], inputCount: Int? = nil,
        dimensions: Int? = nil, body: ClientBody? = nil
    ) {
        self.id = id
        self.model = model
        self.inputs = inputs
        self.inputCount = inputCount ?? inputs.count
        self.dimensions = dimensions
        self.body = body
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
