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
    let connection: EngineConnection
    let catalogue: ModelCatalogue
    let preferred: ModelID?

    /// - Parameter secrets: Reads the key, when the settings only say where it is stored.
    package init(
        settings: OpenAISettings, client: UpstreamClient, kind: EngineKind = .openAI,
        secrets: (any SecretKeeper)? = nil, clock: any TimeSource = MonotonicClock()
    ) {
        self.init(settings: settings, client: client, kind: kind, secrets: secrets, watch: nil, clock: clock)
    }

    /// - Parameters:
    ///   - name: What it is called in messages.
    ///   - watch: Looks who has the port; `nil` for one that the owner named.
    init(
        settings: OpenAISettings, client: UpstreamClient, kind: EngineKind = .openAI,
        name: String = "the OpenAI-compatible engine",
        secrets: (any SecretKeeper)? = nil, watch: OwnerWatch?, clock: any TimeSource
    ) {
        self.kind = kind
        capacity = EngineCapacity(slots: settings.slots)
        preferred = settings.model
        var connection = EngineConnection(client: client, name: name, address: settings.address)
        connection.watch = watch
        connection.credential = settings.key.map { .bearer($0.source(from: secrets)) }
        self.connection = connection
        catalogue = ModelCatalogue(clock: clock, preferred: preferred) { [connection] in
            let listed = try await connection.get(OpenAIModelList.self, path: "/models").data
            // One that was found by itself must not be a node, which could ask this one: its port may change hands.
            if connection.watch != nil, listed.contains(where: \.isOfNode) {
                throw ChatError(.noEngine, "what answers at \(connection.address) is a node of kith")
            }
            let details = await Self.studio(listed.first?.ownedBy, at: connection)?.byName ?? [:]
            return listed.map { model in
                var info = ModelInfo(
                    id: ModelID(model.id), contextLength: model.contextLength, embeds: true,
                    chats: Self.chats(model.id), capabilities: model.abilities, created: model.created ?? 0,
                    ownedBy: model.ownedBy ?? "unknown")
                details[model.id]?.describe(&info)
                return info
            }
        }
    }

    /// What LM Studio says beside its list; `nil` for other servers, and for versions before 0.4.
    private static func studio(_ owner: String?, at connection: EngineConnection) async -> LMStudioModelList? {
        guard owner == LMStudioModelList.owner, let root = connection.aboveVersion else { return nil }
        return try? await root.get(
            LMStudioModelList.self, path: "/api/v1/models", limits: EngineConnection.healthLimits)
    }

    package func residentModels() async -> [ModelID]? {
        let owner = (try? await catalogue.info(nil, preferred: nil))?.ownedBy
        return await Self.studio(owner, at: connection)?.models.flatMap { $0.loadedNames.map { ModelID($0) } }
    }

    package var modelStores: [any ModelStore] { [fixedModels(at: connection.address.description)] }

    package var isRemote: Bool { !connection.address.isNear }

    /// These servers do not say what a model is for; names do.
    private static func chats(_ name: String) -> Bool {
        let name = name.lowercased()
        return !["embed", "bge-", "gte-", "rerank", "whisper", "tts-", "dall-e", "moderation"]
            .contains(where: name.contains)
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
        guard connection.address.scheme == .http, let root = connection.address.aboveVersion else { return false }
        let reply = try await connection.client.collect(
            UpstreamRequest(
                .GET, root, path: "/health", headers: connection.headers(showing: try connection.currentKey()),
                limits: EngineConnection.healthLimits, subject: connection.name))
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
        if request.wantsWholeAnswer { return try await whole(request, model) }
        // A request without a client's own body asks for a stream, which can be stopped in the middle.
        var asked = request
        asked.streams = true
        if request.body == nil {
            if kind == .embedded { asked.includesUsage = true }  // llama.cpp counts when it is told to
            let info = try? await catalogue.info(request.model, preferred: preferred)
            asked.adapt(to: server(info), context: info?.contextLength)
        }
        let (type, body) = try await begin(&asked, model)
        guard type == "application/json" else {
            return .events(
                EngineStream(
                    body: body, decoder: OpenAIEventReader(for: request, model: model), stallLimit: request.stallLimit))
        }
        // It does not stream, and answers in one piece.
        let bytes = try await body.collect(upTo: Self.answerLimit)
        return .events(
            EngineStream(
                told: try OpenAIEventReader.events(ofWhole: Array(bytes.readableBytesView), for: request, model: model))
        )
    }

    /// What a translation can do without is left out where the engine refuses it: clients of other dialects send it always,
    /// and it is no reason to answer nothing.
    private func begin(_ request: inout ChatRequest, _ model: ModelID) async throws -> (
        type: String, body: UpstreamBody
    ) {
        while true {
            do {
                return try await connection.stream(
                    path: OpenAIRequestEncoder.path(for: request),
                    body: OpenAIRequestEncoder.body(for: request, model: model), model: model, mark: request.mark,
                    // A server may send the head of its answer before it has read the prompt.
                    limits: UpstreamLimits(
                        firstByte: request.firstTokenLimit, stall: max(.seconds(30), request.firstTokenLimit)))
            } catch let failure as ChatError {
                guard request.body == nil, request.avoid(whatIsRefusedIn: failure) else { throw failure }
            }
        }
    }

    /// The name of the server, as its list of models tells it.
    func server(_ model: ModelInfo?) -> String? { kind == .embedded ? "llamacpp" : model?.ownedBy }

    /// Relays an answer in one piece.
    private func whole(_ request: ChatRequest, _ model: ModelID) async throws -> ChatAnswer {
        let reply = try await connection.reply(
            path: OpenAIRequestEncoder.path(for: request),
            body: OpenAIRequestEncoder.body(for: request, model: model), model: model, mark: request.mark,
            limits: UpstreamLimits(firstByte: ChatRequest.wholeAnswerLimit, bodyBytes: Self.answerLimit))
        let body = Array(reply.body.readableBytesView)
        guard Self.looksWhole(body) else { return try streamed(body, request, model) }
        return .verbatim(VerbatimAnswer(contentType: "application/json", body: body))
    }

    /// An answer that a server streams although it was not asked to, or an error that came with a good status.
    private func streamed(_ body: [UInt8], _ request: ChatRequest, _ model: ModelID) throws -> ChatAnswer {
        if let complaint = (try? JSONValue(parsing: body)).flatMap(EngineComplaint.init) { throw complaint.failure() }
        let beginning = String(decoding: body.prefix(16), as: UTF8.self).drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        guard ["data:", "event:", "id:", "retry:", ":"].contains(where: beginning.hasPrefix) else {
            throw ChatError(.invalidAnswer, "\(connection.name) did not answer in its dialect")
        }
        var reader = OpenAIEventReader(for: request, model: model)
        var events: [ChatEvent] = []
        try reader.feed(body, into: &events)
        events += try reader.end()
        return .events(EngineStream(told: events))
    }

    /// Bytes of an answer in one piece; a long one with log probabilities has some ten megabytes.
    private static let answerLimit = 64 << 20

    /// Whether a body is an object with choices, as far as can be told without decoding it: an answer that is passed on
    /// unchanged need not be understood, but it has to be one.
    private static func looksWhole(_ body: [UInt8]) -> Bool {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        return body.first { !isSpace($0) } == UInt8(ascii: "{") && body.last { !isSpace($0) } == UInt8(ascii: "}")
            && body.contains(key: "choices")
    }

    // MARK: Embeddings

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        let model = try await catalogue.resolve(request.model, preferred: preferred)
        let reply: UpstreamReply
        do {
            reply = try await connection.reply(
                path: "/embeddings", body: Self.body(for: request, model: model), model: model, mark: request.mark,
                limits: UpstreamLimits(firstByte: .seconds(120), bodyBytes: Self.answerLimit))
        } catch let failure as ChatError where failure.message.contains("too large to process") {
            // llama.cpp reports it as a failure of the server.
            throw ChatError(.invalidRequest, "a text is too long to be embedded by this engine", field: "input")
        }
        let (vectors, tokens) = try OpenAIEmbeddings.vectors(in: Array(reply.body.readableBytesView))
        guard vectors.count == request.inputCount else {
            throw ChatError(.invalidAnswer, "\(connection.name) did not embed every text")
        }
        return EmbeddingAnswer(model: model, vectors: vectors, promptTokens: tokens)
    }

    /// The client's own body if there is one. Asks for numbers, which every server can give.
    private static func body(for request: EmbeddingRequest, model: ModelID) -> [UInt8] {
        if let body = request.body {
            return body.patched(
                setting: [("model", .string(model.rawValue)), ("encoding_format", "float")], removing: [])
        }
        var body: JSONObject = [
            "model": .string(model.rawValue), "input": .array(request.inputs.map { .string($0) }),
            "encoding_format": "float",
        ]
        body["dimensions"] = request.dimensions.map { .integer(Int64($0)) }
        return body.jsonBytes
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

extension LMStudioModelList.Model {
    func describe(_ info: inout ModelInfo) {
        info.contextLength = contextLength(of: info.id.rawValue)
        info.embeds = embeds
        info.chats = !embeds
        info.capabilities = abilities
    }
}
