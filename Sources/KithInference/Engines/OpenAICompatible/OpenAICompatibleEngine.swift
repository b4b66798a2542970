// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
package import KithTransport
import NIOCore
import NIOHTTP1

/// Any server that speaks OpenAI's API: llama.cpp, vLLM, LM Studio, OpenAI itself.
package struct OpenAICompatibleEngine: ChatEngine {
    package let kind: EngineKind
    package let capacity: EngineCapacity
    private let connection: EngineConnection
    private let catalogue: ModelCatalogue
    private let preferred: ModelID?

    /// - Parameter secrets: Reads the key where the settings only say where it is.
    package init(
        settings: OpenAISettings, client: UpstreamClient, kind: EngineKind = .openAI,
        secrets: (any SecretKeeper)? = nil, clock: any TimeSource = MonotonicClock()
    ) {
        self.kind = kind
        capacity = EngineCapacity(slots: settings.slots)
        preferred = settings.model
        var connection = EngineConnection(
            client: client, name: "the OpenAI-compatible engine", address: settings.address)
        connection.credential = settings.key.map { .bearer($0.source(from: secrets)) }
        self.connection = connection
        catalogue = ModelCatalogue(clock: clock) { [connection] in
            try await connection.get(OpenAIModelList.self, path: "/models").data.map { model in
                ModelInfo(
                    id: ModelID(model.id), contextLength: model.contextLength, embeds: true,
                    created: model.created ?? 0, ownedBy: model.ownedBy ?? "unknown")
            }
        }
    }

    package func models() async throws -> [ModelInfo] { try await catalogue.refreshed() }

    /// OpenAI's API does not say what a final assistant message means; these servers do.
    package func continuationWay(for request: ChatRequest) async throws -> ContinuationWay {
        switch try await catalogue.info(request.model, preferred: preferred)?.ownedBy {
        case "llamacpp": .prefill(.init())
        case "vllm", "sglang":
            .prefill(.init(extensions: ["continue_final_message": true, "add_generation_prompt": false]))
        default: .anew
        }
    }

    package func health() async -> EngineHealth {
        await connection.health {
            if try await !toldByLlamaHealth() {
                _ = try await connection.get(
                    OpenAIModelList.self, path: "/models", limits: EngineConnection.healthLimits)
            }
        }
    }

    /// llama.cpp's own `/health`, which unlike its model list knows whether the model is loaded.
    ///
    /// - Returns: `false` when the server has no such path.
    private func toldByLlamaHealth() async throws -> Bool {
        let address = connection.address
        guard address.scheme == .http, address.basePath == "/v1" else { return false }
        let root = HTTPAddress(scheme: address.scheme, host: address.host, port: address.port)
        let reply = try await connection.client.collect(
            UpstreamRequest(.GET, root, path: "/health", limits: EngineConnection.healthLimits))
        switch reply.status {
        case 200: return true
        case 503:
            throw connection.refusal(
                status: reply.status, headers: reply.headers, body: reply.body, key: nil, model: nil)
        default: return false
        }
    }

    // MARK: Answers

    package func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        let model = try await catalogue.resolve(request.model, preferred: preferred)
        if let bytes = verbatimBytes(request, model) { return try await relay(bytes, request, model) }
        // Always as a stream: it can be stopped in the middle, and a server may repeat an assistant's prefix in a plain
        // answer, as llama.cpp does.
        var streaming = request
        streaming.streams = true
        let body = try await connection.stream(
            path: OpenAIRequestEncoder.path(for: request),
            body: try OpenAIRequestEncoder.body(for: streaming, model: model), model: model,
            contentType: "text/event-stream",
            // A server may send the head of its answer before it has read the prompt.
            limits: UpstreamLimits(
                firstByte: request.firstTokenLimit, stall: max(.seconds(30), request.firstTokenLimit)))
        return .events(
            DecodedStream(
                body: body, decoder: EventStreamDecoder(OpenAIStreamDecoder(kind: request.kind)),
                stallLimit: request.stallLimit))
    }

    private func verbatimBytes(_ request: ChatRequest, _ model: ModelID) -> [UInt8]? {
        guard !request.streams, request.model == model, let verbatim = request.verbatim,
            request.messages.last?.role != .assistant
        else { return nil }
        switch (verbatim.route, request.kind) {
        case (.openAIChatCompletions, .chat), (.openAICompletions, .completion): return verbatim.bytes
        case (.openAIChatCompletions, .completion), (.openAICompletions, .chat): return nil
        }
    }

    private func relay(_ bytes: [UInt8], _ request: ChatRequest, _ model: ModelID) async throws -> ChatAnswer {
        let reply = try await connection.reply(
            path: OpenAIRequestEncoder.path(for: request), body: bytes, model: model,
            limits: UpstreamLimits(firstByte: ChatRequest.wholeAnswerLimit))
        let body = Array(reply.body.readableBytesView)
        let contentType = reply.headers.first(name: "content-type") ?? ""
        guard contentType.lowercased().hasPrefix("application/json"), Self.looksWhole(body) else {
            throw ChatFailure(.invalidAnswer, "\(connection.name) did not answer in its dialect")
        }
        return .verbatim(VerbatimAnswer(contentType: contentType, body: body))
    }

    /// Whether a body is an object with choices, as far as can be told without decoding it: what is passed on as it is
    /// need not be understood, only not be something else.
    private static func looksWhole(_ body: [UInt8]) -> Bool {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        return body.first { !isSpace($0) } == UInt8(ascii: "{") && body.last { !isSpace($0) } == UInt8(ascii: "}")
            && body.contains(key: "choices")
    }

    // MARK: Embeddings

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        let model = try await catalogue.resolve(request.model, preferred: preferred)
        var body: [String: JSONValue] = [
            "model": .string(model.rawValue), "input": .array(request.inputs.map { .string($0) }),
            "encoding_format": "float",
        ]
        body["dimensions"] = request.dimensions.map { .integer(Int64($0)) }
        let list: OpenAIEmbeddingList
        do {
            list = try await connection.post(
                OpenAIEmbeddingList.self, path: "/embeddings", body: try JSONBody.encode(body), model: model,
                limits: UpstreamLimits(firstByte: .seconds(120)))
        } catch let failure as ChatFailure where failure.message.contains("too large to process") {
            // llama.cpp calls it a failure of its own.
            throw ChatFailure(.invalidRequest, "a text is too long to be embedded by this engine", field: "input")
        }
        let vectors = try list.data.sorted { $0.index < $1.index }.map { try Self.numbers($0.embedding) }
        guard vectors.count == request.inputs.count else {
            throw ChatFailure(.invalidAnswer, "\(connection.name) did not embed every text")
        }
        return EmbeddingAnswer(model: model, vectors: vectors, promptTokens: list.usage?.promptTokens ?? 0)
    }

    private static func numbers(_ vector: OpenAIEmbeddingList.Vector) throws -> [Float] {
        guard case .float(let numbers) = vector else {
            throw ChatFailure(.invalidAnswer, "the engine sent embeddings in another form than asked for")
        }
        return numbers
    }
}

extension [UInt8] {
    /// Whether these bytes of JSON hold `"key"`; may be fooled by a string that holds it.
    fileprivate func contains(key: StaticString) -> Bool {
        withUnsafeBufferPointer { bytes in
            let length = key.utf8CodeUnitCount
            guard bytes.count >= length + 2 else { return false }
            for start in 0..<(bytes.count - length - 1)
            where bytes[start] == UInt8(ascii: "\"") && bytes[start + length + 1] == UInt8(ascii: "\"") {
                if (0..<length).allSatisfy({ bytes[start + 1 + $0] == key.utf8Start[$0] }) { return true }
            }
            return false
        }
    }
}
