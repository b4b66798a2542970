// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithPeers
import KithStore

/// What an engine is given of a conversation that the node keeps.
extension NodeServices {
    /// Turns of a conversation that are sent with a question.
    private static let historyLimit = 40
    /// Of the model's context, what the history may take.
    private static let historyShare = 0.5
    private static let unknownContext = 4096

    /// The tokens that an answer may have at most: the longest context on offer for the model.
    func contextLimit(for model: ModelID?) -> Int {
        let models = knownModels().filter { model == nil || $0.id == model }
        return max(1, models.compactMap(\.contextLength).max() ?? Self.unknownContext)
    }

    /// As much of the conversation's end as half of the context holds, beginning with a question.
    ///
    /// - Throws: `StoreError`.
    func recentTurns(of session: SessionID, model: ModelID?) async throws -> [ChatMessage] {
        let turns = try await store.history(session: session, limit: Self.historyLimit)
        var room = Int(Double(contextLimit(for: model)) * Self.historyShare)
        var kept: [ChatMessage] = []
        for message in turns.reversed().map(\.message) {
            room -= ChatRequest(messages: [message]).estimatedPromptTokens
            guard room >= 0 else { break }
            kept.append(message)
        }
        if kept.last?.role == .assistant { kept.removeLast() }
        return kept.reversed()
    }
}
