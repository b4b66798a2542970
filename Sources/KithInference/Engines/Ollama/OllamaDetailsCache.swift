// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Synchronization

/// What Ollama says of each of its models: asked once for each version of a model.
final class OllamaDetailsCache: Sendable {
    private static let limit = 256

    private let connection: EngineConnection
    private let contexts: OllamaContexts
    private let known = Mutex<[String: ModelInfo]>([:])

    init(connection: EngineConnection, contexts: OllamaContexts) {
        self.connection = connection
        self.contexts = contexts
    }

    /// - Throws: `ChatError` when Ollama cannot be asked; a model it cannot describe is listed without details.
    func info(_ tag: OllamaTagList.Model) async throws -> ModelInfo {
        let version = "\(tag.name) \(tag.digest ?? "")"
        if let info = known.withLock({ $0[version] }) { return info }
        // What runs at a provider is not the same weights because Ollama's few lines about it are.
        var info = ModelInfo(
            id: ModelID(tag.name), digest: tag.runsElsewhere ? nil : tag.digest,
            bytes: tag.runsElsewhere || !connection.address.isOnLoopback ? nil : tag.bytes, ownedBy: "ollama")
        info.runsElsewhere = tag.runsElsewhere
        do {
            let details = try await connection.post(
                OllamaModelDetails.self, path: "/api/show",
                body: try JSONBody.encode(["model": tag.name, "name": tag.name]), model: info.id,
                limits: EngineConnection.inquiryLimits)
            info.runsElsewhere = tag.runsElsewhere || details.runsElsewhere
            info.contextLength = contexts.describe(
                info.id, made: details.contextLength, own: details.ownContext, runsElsewhere: info.runsElsewhere)
            info.embeds = details.embeds
            info.chats = details.chats
            info.capabilities = details.capabilities
        } catch let failure as ChatError
            where
            [.modelNotFound, .unsupported, .invalidRequest, .engineError, .invalidAnswer].contains(failure.code)
        {
            return info
        }
        known.withLock { known in
            if known.count >= Self.limit { known.removeAll() }
            known[version] = info
        }
        return info
    }
}
