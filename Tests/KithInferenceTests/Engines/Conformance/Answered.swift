// SPDX-License-Identifier: Apache-2.0

import KithModel

/// A whole answer with the pieces in which it came.
struct Answered: Sendable {
    var pieces: [ChatDelta] = []
    var finish: FinishReason?
    var usage: TokenUsage?

    var text: String { pieces.map(\.text).joined() }
    var tokens: [String] { pieces.map(\.text) }

    struct Verbatim: Error {}

    /// Takes an answer to its end.
    init(_ answer: ChatAnswer) async throws {
        guard case .events(let stream) = answer else { throw Verbatim() }
        for try await event in stream {
            switch event {
            case .waiting, .comment: break
            case .raw, .rawEnd: throw Verbatim()
            case .delta(let delta): pieces.append(delta)
            case .finished(let reason, let count): (finish, usage) = (reason, count)
            }
        }
    }
}

extension ChatEngine {
    func whole(_ request: ChatRequest) async throws -> Answered { try await Answered(answer(request)) }
}

extension ChatRequest {
    init(_ text: String, model: ModelID? = nil, sampling: SamplingOptions = SamplingOptions(), streams: Bool = true) {
        self.init(model: model, messages: [ChatMessage(.user, text)], sampling: sampling, streams: streams)
    }
}
