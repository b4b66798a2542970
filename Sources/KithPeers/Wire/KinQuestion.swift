// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel

/// A request for an answer as it goes to a kin: a line of JSON that says what this node has made of it, and after it
/// the client's own bytes, from which the kin reads the rest. For a request without a client's bytes the rest of it is in
/// the line, except for what has to keep the order of its members: that is an object of its own after the line, since an
/// engine knows the beginning of a conversation again only by its bytes.
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
        /// Missing where the client's bytes follow; without its messages and extensions, which follow.
        var request: ChatRequest?
    }

    private static let extensions = "extensions"

    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    package static func encode(_ request: ChatRequest) throws -> [UInt8] {
        var line = Line(
            id: request.id, kind: request.kind, model: request.model, begun: request.begun,
            occasion: request.occasion, maxTokens: request.sampling.maxTokens,
            isRebuilt: request.isAsWritten ? nil : true)
        if request.body == nil {
            var rest = request
            rest.messages = []
            rest.extensions = [:]
            line.request = rest
        }
        var bytes = try JSONBody.encode(line)
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: request.body?.bytes ?? ordered(request))
        return bytes
    }

    /// What has to keep its order, in OpenAI's form.
    private static func ordered(_ request: ChatRequest) -> [UInt8] {
        let messages = request.messages.map { JSONValue.object($0.openAI) }
        let members: JSONObject = ["messages": .array(messages), extensions: .object(request.extensions)]
        return members.jsonBytes
    }

    /// - Throws: `ChatError` for what is no such request.
    package static func decode(_ bytes: [UInt8]) throws -> ChatRequest {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
            throw ChatError(.malformedRequest, "this is no question of a kith node")
        }
        let line = try JSONBody.decode(Line.self, from: bytes[..<end])
        let rest = Array(bytes[(end + 1)...])
        var request: ChatRequest
        if let told = line.request {
            request = told
            let ordered = try OpenAIChatRequest.read(rest)
            request.messages = ordered.messages
            request.extensions = ordered.extensions[extensions]?.objectValue ?? [:]
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
