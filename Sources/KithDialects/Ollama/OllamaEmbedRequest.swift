// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The body of `POST /api/embed`, or of the older `POST /api/embeddings`.
package struct OllamaEmbedRequest: Sendable {
    package var request: EmbeddingRequest
    /// The model's name as the client wrote it.
    package var model: String

    /// The body of `POST /api/embed`: one text, or a list, which may be empty.
    ///
    /// - Throws: `ChatError`, as ``OllamaChatRequest/readChat(_:)``.
    package static func read(_ bytes: [UInt8]) throws -> OllamaEmbedRequest {
        let fields = try RequestFields(body: bytes)
        return try OllamaEmbedRequest(fields, inputs: inputs(fields), dimensions: fields.integer("dimensions"))
    }

    /// The body of `POST /api/embeddings`: one text.
    ///
    /// - Throws: `ChatError`, as ``OllamaChatRequest/readChat(_:)``.
    package static func readOlder(_ bytes: [UInt8]) throws -> OllamaEmbedRequest {
        let fields = try RequestFields(body: bytes)
        let prompt = try fields.text("prompt") ?? ""
        return try OllamaEmbedRequest(fields, inputs: prompt.isEmpty ? [] : [prompt], dimensions: nil)
    }

    private init(_ fields: RequestFields, inputs: [String], dimensions: Int?) throws {
        guard inputs.count <= OpenAIEmbeddingRequest.inputLimit else {
            throw ChatError(
                .invalidRequest, "'input' must hold at most \(OpenAIEmbeddingRequest.inputLimit) texts", field: "input")
        }
        model = try fields.text("model") ?? ""
        request = EmbeddingRequest(model: try OpenAIModelName.id(model), inputs: inputs, dimensions: dimensions)
    }

    private static func inputs(_ fields: RequestFields) throws -> [String] {
        switch fields.value("input") {
        case nil: return []
        case .string(let text)?: return text.isEmpty ? [] : [text]
        case .array(let values)?:
            return try values.enumerated().map { place, value in
                guard case .string(let text) = value else { throw ChatError.wrongType("input.\(place)", "a string") }
                return text
            }
        default: throw ChatError.wrongType("input", "a string or a list")
        }
    }
}

/// Vectors as Ollama gives them.
package enum OllamaEmbeddingAnswer {
    /// The answer to `POST /api/embed`; each vector has the length 1.
    package static func body(_ vectors: [[Float]], model: String, promptTokens: Int, total: Duration) -> [UInt8] {
        var bytes = Array(#"{"model":"#.utf8)
        JSONText.append(model, to: &bytes)
        bytes += #","embeddings":["#.utf8
        for (index, vector) in vectors.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            append(unit(vector), to: &bytes)
        }
        let nanoseconds = max(1, total.wholeNanoseconds)
        bytes += #"],"total_duration":\#(nanoseconds),"load_duration":0,"prompt_eval_count":\#(promptTokens)}"#.utf8
        return bytes
    }

    /// The answer to `POST /api/embeddings`; the vector as the engine gave it.
    package static func olderBody(_ vector: [Float]) -> [UInt8] {
        var bytes = Array(#"{"embedding":"#.utf8)
        append(vector, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    static func unit(_ vector: [Float]) -> [Float] {
        let length = vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard length.isFinite, length > 0 else { return vector }
        return vector.map { Float(Double($0) / length) }
    }

    private static func append(_ vector: [Float], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        for (index, number) in vector.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += (number.isFinite ? number.description : "0").utf8
        }
        bytes.append(UInt8(ascii: "]"))
    }
}
