// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel

/// OpenAI's API cannot count the tokens of a prompt; some servers can.
extension OpenAICompatibleEngine {
    private struct Prompt: Decodable {
        var prompt: String
    }

    private struct Tokens: Decodable {
        var tokens: [JSONValue]
    }

    private struct Count: Decodable {
        var count: Int
    }

    package func promptTokens(of request: ChatRequest) async throws -> Int? {
        guard request.kind == .chat else { return nil }
        let info = try await catalogue.info(request.model, preferred: preferred)
        let server = self.server(info)
        guard server == "llamacpp" || server == "vllm", let root else { return nil }
        let model = try await catalogue.resolve(request.model, preferred: preferred)
        var asked = request
        asked.streams = false
        let body = OpenAIRequestEncoder.body(for: asked, model: model)
        return server == "vllm"
            ? try await countByMessages(body, model, at: root) : try await countByTemplate(body, model, at: root)
    }

    /// llama.cpp's server: what the template makes of the prompt, and how many tokens that has.
    private func countByTemplate(_ body: [UInt8], _ model: ModelID, at root: EngineConnection) async throws -> Int {
        let limits = EngineConnection.inquiryLimits
        let prompt = try await root.post(
            Prompt.self, path: "/apply-template", body: body, model: model, limits: limits
        ).prompt
        let text: JSONObject = ["content": .string(prompt), "add_special": true, "parse_special": true]
        return try await root.post(
            Tokens.self, path: "/tokenize", body: text.jsonBytes, model: model, limits: limits
        ).tokens.count
    }

    private func countByMessages(_ body: [UInt8], _ model: ModelID, at root: EngineConnection) async throws -> Int {
        let asked = try JSONBody.decode(JSONValue.self, from: body)
        var question: JSONObject = ["add_generation_prompt": true]
        for name in ["model", "messages", "tools"] { question[name] = asked[name] }
        return try await root.post(
            Count.self, path: "/tokenize", body: question.jsonBytes, model: model,
            limits: EngineConnection.inquiryLimits
        ).count
    }

    private var root: EngineConnection? { connection.aboveVersion }
}

extension EngineConnection {
    /// What these servers have besides OpenAI's API is not below `/v1`; `nil` where the address does not end so.
    var aboveVersion: EngineConnection? {
        guard let address = address.aboveVersion else { return nil }
        var root = self
        root.address = address
        return root
    }
}

extension HTTPAddress {
    /// The path that `/v1` is below; `nil` where it is not the end.
    var aboveVersion: HTTPAddress? {
        let version = "/v1"
        guard basePath.hasSuffix(version) else { return nil }
        var address = self
        address.basePath.removeLast(version.count)
        return address
    }
}
