// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What a request may ask for in OpenAI's words, and not every engine can be told.
///
/// A value that is the default asks for nothing: programs send `frequency_penalty: 0` and `n: 1` with every request.
enum AskedField: String, CaseIterable {
    case choices = "n"
    case seed
    case frequencyPenalty = "frequency_penalty"
    case presencePenalty = "presence_penalty"
    case logprobs
    case logitBias = "logit_bias"
    /// An answer in sound.
    case audio = "modalities"
    case functions
    /// At most one call of a tool at a time.
    case oneCallAtATime = "parallel_tool_calls"

    func isAsked(by request: ChatRequest) -> Bool {
        let sampling = request.sampling
        let given = request.extensions[rawValue]
        switch self {
        case .choices: return (sampling.choices ?? 1) != 1
        case .seed: return sampling.seed != nil
        case .frequencyPenalty: return (sampling.frequencyPenalty ?? 0) != 0
        case .presencePenalty: return (sampling.presencePenalty ?? 0) != 0
        case .logprobs: return given?.boolValue == true || (given?.intValue ?? 0) > 0
        case .logitBias: return given?.objectValue?.isEmpty == false
        case .audio: return given?.arrayValue?.contains("audio") == true
        case .functions: return given?.arrayValue?.isEmpty == false
        case .oneCallAtATime:
            return given == false && request.extensions["tools"]?.arrayValue?.isEmpty == false
        }
    }

    /// What cannot be had, as the subject of a sentence.
    private func refusal(by engine: String) -> String {
        switch self {
        case .choices: "\(engine) gives one answer at a time: 'n' must be 1"
        case .seed: "\(engine) takes no seed: its answers cannot be repeated"
        case .frequencyPenalty, .presencePenalty: "\(engine) knows no penalties: '\(rawValue)' must be 0"
        case .logprobs: "\(engine) tells no log probabilities"
        case .logitBias: "\(engine) cannot be told a bias for tokens"
        case .audio: "\(engine) answers in text, not in sound"
        case .functions: "\(engine) is offered functions as 'tools', not as 'functions'"
        case .oneCallAtATime: "\(engine) cannot be kept from calling several tools at once"
        }
    }

    func failure(by engine: String) -> ChatError {
        ChatError(.unsupported, refusal(by: engine), field: rawValue)
    }
}

extension ChatRequest {
    /// - Parameter engine: Its name in a sentence.
    /// - Throws: `ChatError` with `unsupported` and the name of the first of `fields` that the request asks for.
    func refuse(_ fields: [AskedField], for engine: String) throws(ChatError) {
        if let field = fields.first(where: { $0.isAsked(by: self) }) { throw field.failure(by: engine) }
    }
}
