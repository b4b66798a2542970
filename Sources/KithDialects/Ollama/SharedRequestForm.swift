// SPDX-License-Identifier: Apache-2.0

import KithModel

/// In which dialect a request to a path is that both Ollama's clients and the seeds' use: `/api/generate`, `/api/chat`.
package enum SharedRequestForm: Hashable, Sendable {
    case seed, ollama

    /// - Parameters:
    ///   - bytes: The body. What is not a JSON object is the seeds', whose shape of an error holds Ollama's.
    ///   - accept: The field `Accept`.
    package init(_ route: OllamaRoute, _ bytes: [UInt8], accept: String?) {
        guard case .object(let members)? = try? JSONValue(parsing: bytes) else {
            self = .seed
            return
        }
        func has(_ names: [String]) -> Bool { names.contains { members[$0] != nil } }
        let isOllama =
            switch route {
            case .chat: !has(["message"]) && (has(["messages"]) || has(Self.names))
            // A seed may name a model too, beside its own limits, which Ollama's clients put under `options`.
            case .generate: has(Self.names) && (has(["stream"]) || !has(["max_tokens", "temperature"]))
            }
        let wantsLines = accept?.lowercased().contains("application/x-ndjson") == true
        self = isOllama || wantsLines && !has(["message"]) ? .ollama : .seed
    }

    /// Members by which a request of Ollama's dialect is known.
    private static let names = [
        "model", "stream", "options", "system", "raw", "images", "format", "think", "keep_alive", "template", "suffix",
    ]
}
