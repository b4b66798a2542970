// SPDX-License-Identifier: Apache-2.0

import KithModel

/// An engine under test, and what a test must know of it.
struct EngineFixture: Sendable {
    var engine: any ChatEngine
    var model: ModelID
    /// An answer to this has at least four tokens.
    var prompt = "one two three four five six seven eight"
    var embeds = true
    /// Asks for an answer that takes long, when asked by ``prompt``.
    var longRequest: ChatRequest
    /// Returns when the engine itself has noticed that a generation was given up.
    var generationGivenUp: @Sendable () async throws -> Void
}
