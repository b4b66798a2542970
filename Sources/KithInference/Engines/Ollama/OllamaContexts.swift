// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Synchronization

/// The context of each model of an Ollama: one number for all requests, raised seldom (``OllamaContext``).
final class OllamaContexts: Sendable {
    private static let modelLimit = 256
    /// Raised at most so often for one request, when Ollama counts more tokens than were estimated.
    private static let triesAtMost = 3

    private let connection: EngineConnection
    private let limit: Int?
    private let clock: any TimeSource
    private let known = Mutex<[ModelID: OllamaContext]>([:])

    /// - Parameter limit: The owner's; `nil` leaves it to what each model was made for.
    init(connection: EngineConnection, limit: Int?, clock: any TimeSource) {
        self.connection = connection
        self.limit = limit
        self.clock = clock
    }

    /// - Parameters:
    ///   - made: Tokens of context that the model was made for.
    ///   - own: Its own parameter `num_ctx`.
    /// - Returns: Tokens that prompt and answer may have together.
    func describe(_ model: ModelID, made: Int?, own: Int?, runsElsewhere: Bool) -> Int? {
        let most = [made, runsElsewhere ? nil : limit].compactMap(\.self).min()
        change(model) { $0.describe(limit: most, own: own, runsElsewhere: runsElsewhere) }
        return most
    }

    /// Has `ask` send a request with a context that holds it.
    ///
    /// - Parameter ask: Takes the number of tokens that Ollama is to hold; `nil` leaves it to Ollama.
    /// - Throws: What `ask` throws; `ChatError` with `invalidRequest` and both lengths for a prompt that is too long, and with
    ///   `unsupported` where the memory does not suffice.
    func holding<Answer>(
        _ request: ChatRequest, by model: ModelID, _ ask: (Int?) async throws -> Answer
    ) async throws -> Answer {
        if change(model, { $0.runsElsewhere }) { return try await ask(nil) }
        if change(model, { $0.takesLook(now: clock.now) }) { await look(at: model) }
        var needed = OllamaContext.needed(by: request)
        // One client must not have the model of all take the memory of the machine.
        if let client = request.extensions["options"]?["num_ctx"]?.intValue {
            needed = max(needed, min(client, needed.saturatingAdding(needed)))
        }
        var tries = 0
        while true {
            let context = change(model) { $0.begin(for: needed, now: clock.now) }
            tries += 1
            do {
                let answer = try await ask(context)
                _ = end(context, of: model, as: .loaded)
                return answer
            } catch let failure as ChatError where failure.speaksOfContext {
                _ = end(context, of: model, as: .loaded)
                let next = change(model) {
                    $0.next(after: context, counted: failure.excess?.tokens, now: clock.now)
                }
                guard tries < Self.triesAtMost, let next, next > needed else {
                    throw counted(failure, request, context)
                }
                needed = next
            } catch {
                let failed = (error as? ChatError)?.code == .engineError
                guard end(context, of: model, as: failed ? .failed : .unknown), let context else { throw error }
                throw ChatError(
                    .unsupported, "Ollama could not hold \(context) tokens of context for \(model)", field: "messages",
                    cause: error)
            }
        }
    }

    private func end(_ context: Int?, of model: ModelID, as end: OllamaContext.End) -> Bool {
        change(model) { $0.end(context, as: end, now: clock.now) }
    }

    /// What a model is told that a request without a need of its own must not change; `nil` leaves it to Ollama.
    func told(_ model: ModelID) -> Int? { change(model) { $0.told } }

    /// Ollama's older words do not tell the lengths.
    private func counted(_ failure: ChatError, _ request: ChatRequest, _ context: Int?) -> ChatError {
        var failure = failure
        if failure.excess == nil, let context {
            failure.excess = PromptExcess(tokens: max(request.estimatedPromptTokens, context + 1), limit: context)
        }
        return failure
    }

    /// Nothing depends on the answer: an Ollama that does not say is told what is needed.
    private func look(at model: ModelID) async {
        let began = clock.now
        let loaded = await loaded()?.models.first { ModelID($0.name).isMeant(by: model) }?.contextLength
        change(model) { $0.saw(loaded: loaded, asked: began, now: clock.now) }
    }

    /// What is in memory; `nil` from an Ollama that does not say.
    func loaded() async -> OllamaLoadedList? {
        try? await connection.get(OllamaLoadedList.self, path: "/api/ps", limits: EngineConnection.healthLimits)
    }

    @discardableResult
    private func change<Value>(_ model: ModelID, _ change: (inout OllamaContext) -> Value) -> Value {
        known.withLock { known in
            if known.count >= Self.modelLimit, known[model] == nil { known.removeAll() }
            return change(&known[model, default: OllamaContext(limit: limit)])
        }
    }
}

extension ChatError {
    fileprivate var speaksOfContext: Bool {
        guard code == .invalidRequest else { return false }
        let words = message.lowercased()
        return excess != nil || (words.contains("context") && (words.contains("exceed") || words.contains("too long")))
    }
}
