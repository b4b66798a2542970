// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel

/// A request for an answer as it goes to a kin: a line of JSON that says what this node has made of it, and after it
/// the client's own bytes, from which the kin reads the rest. A request without a client's bytes is in the line.
package enum KinQuestion {
    private struct Line: Codable {
        var id: RequestID
        var kind: ChatRequest.Kind
        var model: ModelID?
        var begun: PartialAnswer?
        var occasion: ChatRequest.Occasion?
        /// What is left of the client's limit.
        var maxTokens: Int?
        /// Whether the client's bytes still say what is asked; missing means yes.
        var isRebuilt: Bool?
        /// Missing where the client's bytes follow.
        var request: ChatRequest?
    }

    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    package static func encode(_ request: ChatRequest) throws -> [UInt8] {
        var line = Line(
            id: request.id, kind: request.kind, model: request.model, begun: request.begun,
            occasion: request.occasion, maxTokens: request.sampling.maxTokens,
            isRebuilt: request.isAsWritten ? nil : true)
        if request.body == nil { line.request = request }
        var bytes = try JSONBody.encode(line)
        bytes.append(UInt8(ascii: "\n"))
        if let body = request.body { bytes.append(contentsOf: body.bytes) }
        return bytes
    }

    /// - Throws: `ChatError` for what is no such request.
    package static func decode(_ bytes: [UInt8]) throws -> ChatRequest {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
            throw ChatError(.malformedRequest, "this is no question of a kith node")
        }
        let line = try JSONBody.decode(Line.self, from: bytes[..<end])
        let rest = Array(bytes[(end + 1)...])
        var request: ChatRequest
        if let whole = line.request {
            request = whole
        } else {
            switch line.kind {
            case .chat: request = try OpenAIChatRequest.read(rest)
            case .completion: request = try OpenAICompletionRequest.read(rest)
            }
        }
        request.id = line.id
        request.model = line.model
        request.begun = line.begun
        request.occasion = line.occasion
        if request.sampling.maxTokens != line.maxTokens { request.sampling.maxTokens = line.maxTokens }
        request.isAsWritten = line.isRebuilt != true
        return request
    }
}
