// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTransport
import NIOCore
import NIOHTTP1
import SystemPackage

/// The models that an Ollama keeps, as its API for them says (docs/api.md of Ollama).
struct OllamaModels: ModelStore {
    /// Large weights from a slow disk.
    private static let loadLimit = Duration.seconds(900)
    /// Ollama is silent while it computes the digest of what it has got: some 40 GB on a slow disk.
    /// Between two pieces of what an engine says of a pull: it says something some ten times a second.
    private static let pullPause = Duration.milliseconds(20)
    private static let pullSilence = Duration.seconds(1_200)
    private static let changeLimits = UpstreamLimits(firstByte: .seconds(60), stall: .seconds(30))

    let connection: EngineConnection
    let contexts: OllamaContexts
    /// The owner's choice for requests that name none.
    let preferred: ModelID?

    var place: ModelPlace {
        ModelPlace(
            kind: .ollama, address: connection.address.description,
            folder: connection.address.isOnLoopback ? OllamaFolder.onThisMachine : nil)
    }

    /// Its folder, if it is on this machine and where one looks for it.
    private var library: OllamaLibrary? { place.folder.map { OllamaLibrary(folder: FilePath($0)) } }

    var takes: WeightsForm? { .ollama }

    var takesNothingBecause: String? {
        guard let library else { return Self.noFolder }
        return library.takesNothingBecause
    }

    private static let noFolder =
        "Ollama's folder is not where this node looks for it; OLLAMA_MODELS of the node says where it is on this machine"

    func weights(of model: ModelID) async throws -> WeightsFiles {
        guard let library else { throw ChatError(.unsupported, Self.noFolder) }
        return try library.weights(of: model)
    }

    func has(_ part: WeightsDigest) async throws -> Bool { library?.has(part) ?? false }

    func take(_ model: ModelID, of parts: [ArrivedWeights]) async throws -> [WeightsDigest: String] {
        guard let library else { throw ChatError(.unsupported, Self.noFolder) }
        return try library.take(model, of: parts)
    }

    func kept() async throws -> [KeptModel] {
        async let loaded = loaded()
        let tags = try await connection.get(JSONValue.self, path: "/api/tags")
        return try OllamaKeptModels(tags: tags, loaded: await loaded).models.map { model in
            var model = model
            model.isPreferred = preferred.map { model.id.isMeant(by: $0) } ?? false
            return model
        }
    }

    /// - Returns: `nil` where Ollama does not say, as in older versions.
    private func loaded() async -> JSONValue? { try? await connection.get(JSONValue.self, path: "/api/ps") }

    func pull(_ model: ModelID, note: @Sendable (PullSign) throws -> Void) async throws {
        let body: JSONObject = ["model": .string(model.rawValue), "name": .string(model.rawValue), "stream": true]
        let answer = try await connection.response(
            path: "/api/pull", type: "application/json", body: body.jsonBytes, model: model,
            mark: RequestMark(id: .random(), context: nil), limits: UpstreamLimits(silence: Self.pullSilence))
        var decoder = OllamaPullDecoder()
        for try await piece in answer.body {
            // Of what came at once the last sign of each part counts.
            for sign in PullSign.last(of: try decoder.feed(piece.readableBytesView)) { try note(sign) }
            // One that says more than anybody reads is read slowly, and must not keep a thread of all from the others.
            try await Task.sleep(for: Self.pullPause)
        }
        for sign in try decoder.end() { try note(sign) }
    }

    func load(_ model: ModelID, for stay: Duration?) async throws {
        do {
            try await prompt(model, keepAlive: stay.map { Int64($0.seconds.rounded(.up)) } ?? -1)
        } catch let failure as ChatError where failure.code == .invalidRequest || failure.code == .unsupported {
            // A model that only embeds is loaded by embedding nothing.
            var body = body(of: model, keepAlive: stay.map { Int64($0.seconds.rounded(.up)) } ?? -1)
            body["input"] = .array([])
            _ = try await connection.reply(
                path: "/api/embed", body: body.jsonBytes, model: model, limits: UpstreamLimits(silence: Self.loadLimit))
        }
    }

    func unload(_ model: ModelID) async throws { try await prompt(model, keepAlive: 0) }

    /// An empty prompt only loads, or unloads.
    private func prompt(_ model: ModelID, keepAlive: Int64) async throws {
        _ = try await connection.reply(
            path: "/api/generate", body: body(of: model, keepAlive: keepAlive).jsonBytes, model: model,
            limits: UpstreamLimits(silence: Self.loadLimit))
    }

    private func body(of model: ModelID, keepAlive: Int64) -> JSONObject {
        var body: JSONObject = [
            "model": .string(model.rawValue), "keep_alive": .integer(keepAlive), "stream": false,
        ]
        // Another number than that of prompts would have the model loaded anew with the next one.
        if keepAlive != 0, let told = contexts.told(model) { body["options"] = ["num_ctx": .integer(Int64(told))] }
        return body
    }

    func remove(_ model: ModelID) async throws {
        let body: JSONObject = ["model": .string(model.rawValue), "name": .string(model.rawValue)]
        _ = try await connection.reply(
            .DELETE, path: "/api/delete", body: body.jsonBytes, model: model, limits: Self.changeLimits)
    }

    func copy(_ model: ModelID, as name: ModelID) async throws {
        let body: JSONObject = ["source": .string(model.rawValue), "destination": .string(name.rawValue)]
        _ = try await connection.reply(
            path: "/api/copy", body: body.jsonBytes, model: model, limits: Self.changeLimits)
    }
}
