// SPDX-License-Identifier: Apache-2.0

/// What a request can ask for.
enum AskedFeature: String, CaseIterable {
    case system = "system text"
    case systems = "several system texts"
    case laterSystem = "system text in the middle"
    case imageData = "picture, as base64"
    case imageURL = "picture, by its URL"
    case tools = "tools"
    case anyTool = "tool choice: any"
    case namedTool = "tool choice: this one"
    case noTool = "tool choice: none"
    case oneCall = "one call at a time"
    case parallelCalls = "parallel calls and their results"
    case failedTool = "result of a tool that failed"
    case toolPicture = "picture in a tool's result"
    case reasoning = "reasoning asked for"
    case signedThoughts = "reasoning passed back, signed"
    case plainThoughts = "reasoning passed back, not signed"
    case schema = "answer by a JSON schema"
    case json = "answer in any JSON"
    case stop = "stop texts"
    case temperature = "temperature up to 1"
    case highTemperature = "temperature over 1"
    case topP = "top_p"
    case topK = "top_k"
    case seed = "seed"
    case maxTokens = "token limit"
    case penalties = "penalties"
    case choices = "several answers (n)"
    case logprobs = "log probabilities"
    case logitBias = "logit_bias"
    case heard = "sound in the prompt"
    case spoken = "answer in sound"
    case defaults = "fields with their default values"
}

/// What an answer can tell.
enum ToldFeature: String, CaseIterable {
    case text = "text"
    case calls = "calls of tools"
    case reasoning = "reasoning"
    case signature = "signature under reasoning"
    case refusal = "refusal"
    case length = "end by the token limit"
    case stopText = "text at which it stopped"
    case cachedTokens = "cached tokens"
}

/// What becomes of a feature between a client and an engine.
enum Outcome: String {
    /// It arrives in the same words.
    case kept
    case translated
    /// The client is told in words, with the name of the field, before an engine is asked.
    case refused
    /// It is not passed on, for a reason that docs/dialects.md gives.
    case leftOut = "left out"
    /// The dialect has no word for it.
    case none = "–"
    case lost = "LOST"
}
