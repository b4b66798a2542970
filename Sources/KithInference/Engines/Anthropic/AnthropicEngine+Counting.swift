// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel

extension AnthropicEngine {
    /// What the API wants to know of a request to count its tokens.
    private static let counted = ["model", "messages", "system", "tools", "tool_choice", "thinking"]

    private struct Count: Decodable {
        var input_tokens: Int
    }

    package func promptTokens(of request: ChatRequest) async throws -> Int? {
        guard let model = request.model ?? preferred else { return nil }
        let asked = try JSONBody.decode(
            JSONValue.self, from: try AnthropicRequestEncoder.body(for: request, model: model))
        var body: JSONObject = [:]
        for name in Self.counted { body[name] = asked[name] }
        return try await connection.post(
            Count.self, path: "/v1/messages/count_tokens", body: body.jsonBytes, model: model,
            limits: EngineConnection.inquiryLimits
        ).input_tokens
    }
}
