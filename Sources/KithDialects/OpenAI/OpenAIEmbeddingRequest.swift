// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The body of `POST /v1/embeddings`.
package struct OpenAIEmbeddingRequest: Sendable {
    /// How the client wants its vectors.
    package enum Encoding: String, Hashable, Sendable { case float, base64 }

    package static let inputLimit = 2048

    package var request: EmbeddingRequest
    package var encoding: Encoding

    /// Reads the body in one pass; the request keeps it. Inputs may be texts or tokens.
    ///
    /// - Throws: ``ChatFailure``, as ``OpenAIChatRequest/read(_:)``.
    package static func read(_ bytes: [UInt8]) throws(ChatFailure) -> OpenAIEmbeddingRequest {
        var (model, encoding, dimensions) = (nil as String?, nil as Encoding?, nil as Int?)
        var input: (texts: [String], count: Int)?
        let body = try ClientBody(requestTo: .openAIEmbeddings, bytes) { key, scanner in
            switch key {
            case "model": model = try scanner.text(of: key)
            case "dimensions": dimensions = try scanner.integer(of: key)
            case "input": input = try Self.input(&scanner)
            case "encoding_format":
                guard let word = try scanner.text(of: key) else { return }
                encoding = Encoding(rawValue: word)
                if encoding == nil { throw ChatFailure.unusable(key) }
            default: break
            }
        }
        guard let input else { throw ChatFailure.missing("input") }
        guard 1...inputLimit ~= input.count else {
            throw ChatFailure(.invalidRequest, "'input' must hold 1 to \(inputLimit) texts", field: "input")
        }
        return OpenAIEmbeddingRequest(
            request: EmbeddingRequest(
                model: try OpenAIModelName.id(model), inputs: input.texts, inputCount: input.count,
                dimensions: dimensions, body: body),
            encoding: encoding ?? .float)
    }

    /// - Returns: The texts, and how many vectors are asked for; `nil` for `null`.
    private static func input(_ scanner: inout JSONScanner) throws -> (texts: [String], count: Int)? {
        if scanner.kind() == .string { return ([try scanner.text()], 1) }
        guard try scanner.enterArray(of: "input") else { return nil }
        var texts: [String] = []
        var (tokens, lists, count) = (0, 0, 0)
        while try scanner.nextElement() {
            switch scanner.kind() {
            case .string: texts.append(try scanner.text())
            case .number:
                _ = try scanner.integer(of: "input.\(count)")
                tokens += 1
            case .array:
                try scanner.skipValue()
                lists += 1
            case nil: try scanner.skipValue()  // says what is wrong
            default: throw ChatFailure.wrongType("input.\(count)", "a string or tokens")
            }
            count += 1
        }
        guard [texts.count, tokens, lists].contains(count) else {
            throw ChatFailure(.invalidRequest, "'input' must hold either texts or tokens", field: "input")
        }
        return (texts, tokens > 0 ? 1 : count)
    }
}
