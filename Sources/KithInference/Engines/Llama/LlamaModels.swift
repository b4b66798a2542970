// SPDX-License-Identifier: Apache-2.0

import KithModel
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The models of a llama.cpp that this node runs: the file that it was started with, and those on its shelf, one of which it
/// serves in place of that.
struct LlamaModels: ModelStore {
    /// For the engine to load another file.
    private static let loadLimit = Duration.seconds(600)
    static let type = "gguf"

    let process: LlamaProcess

    private var shelf: ModelShelf? { process.command.shelf }

    var place: ModelPlace { ModelPlace(kind: .embedded, folder: folder) }

    private var folder: String? { process.command.modelFile.map { FilePath($0).removingLastComponent().string } }

    var fixedBecause: String? { shelf == nil ? EngineKind.embedded.whyModelsAreFixed : nil }
    var pullsNothingBecause: String? {
        shelf == nil
            ? EngineKind.embedded.whyModelsAreFixed
            : "llama.cpp gets no models from the internet: install Ollama for that, or kith model copy --from another machine of yours"
    }
    var keepsOneLoaded: Bool { true }
    var takes: WeightsForm? { shelf == nil ? nil : .gguf }

    func kept() async throws -> [KeptModel] {
        let served = process.command.model
        var all = [kept(served, process.command.modelFile, residency)]
        if let own = process.command.ownModel, own.model != served { all.append(kept(own.model, own.file, .onDisk)) }
        for model in shelf?.models ?? [] where model != served {
            all.append(kept(model, shelf?.file(of: model), .onDisk))
        }
        return all.compactMap(\.self)
    }

    private func kept(_ model: ModelID, _ file: String?, _ residency: Residency) -> KeptModel? {
        guard let file, let attributes = try? FileManager.default.attributesOfItem(atPath: file) else { return nil }
        var kept = KeptModel(id: model, residency: residency)
        kept.bytes = attributes[.size] as? Int
        return kept
    }

    private var residency: Residency {
        switch process.state {
        case .ready: .loaded
        case .loading: .loading
        case .down, .stopped: .onDisk
        }
    }

    /// Starts the server anew with another model. One that it cannot load, or that is no longer waited for, gives way to the one
    /// before it, which the shelf names until the new one is ready.
    func load(_ model: ModelID, for stay: Duration?) async throws {
        guard let shelf, let trial = process.command.trial else {
            throw ChatError(.unsupported, EngineKind.embedded.whyModelsAreFixed)
        }
        guard stay == nil else {
            throw ChatError(
                .unsupported, "the embedded engine keeps its model until another is loaded: leave --for away")
        }
        if process.command.model == model {
            // Also one that somebody else is trying.
            try await process.settled(after: process.outages, within: Self.loadLimit)
            return try requireServed(model)
        }
        let chosen = model == process.command.ownModel?.model ? nil : model
        if chosen != nil {
            guard let file = shelf.file(of: model) else {
                throw ChatError(.modelNotFound, "there is no file of \(model) here")
            }
            try GGUFMark.require(of: file)
        }
        guard trial.begin(chosen) else {
            throw ChatError(.overloaded, "the engine is loading another model; try again when it is there")
        }
        do {
            try await process.settled(after: process.startAnew(), within: Self.loadLimit)
            try requireServed(model)
            try keep(chosen, shelf)
            trial.end()
        } catch {
            // At once, and without waiting: whoever asked may have gone, and then nothing is waited for.
            trial.end()
            process.startAnew()
            throw error
        }
    }

    private func requireServed(_ model: ModelID) throws(ChatError) {
        guard process.command.model != model else { return }
        throw ChatError(.engineError, "\(model) was given up, or removed, while it was being loaded")
    }

    private func keep(_ model: ModelID?, _ shelf: ModelShelf) throws(ChatError) {
        do throws(Errno) {
            try shelf.choose(model)
        } catch {
            throw ChatError(.engineError, "which model is served cannot be kept: \(error)", cause: error)
        }
    }

    func unload(_ model: ModelID) async throws {
        throw ChatError(.unsupported, "the embedded engine has one model in memory: load another in its place")
    }

    func remove(_ model: ModelID) async throws {
        guard let shelf, shelf.file(of: model) != nil else {
            throw ChatError(.unsupported, "it is the engine's own; what came from other machines can be removed")
        }
        let isServed = process.command.model == model
        do throws(Errno) {
            try shelf.remove(model)
        } catch {
            throw ChatError(.engineError, "its file cannot be removed: \(error)", cause: error)
        }
        if isServed { process.startAnew() }
    }

    func copy(_ model: ModelID, as name: ModelID) async throws {
        throw ChatError(.unsupported, "the embedded engine knows a model by its file, which has one name")
    }

    func weights(of model: ModelID) async throws -> WeightsFiles {
        if let file = shelf?.file(of: model) { return WeightsFiles(.gguf, [WeightsFile(path: file, type: Self.type)]) }
        guard let own = process.command.ownModel, own.model == model, let file = own.file else {
            throw ChatError(.modelNotFound, "there is no file of \(model) here")
        }
        return WeightsFiles(.gguf, [WeightsFile(path: file, type: Self.type, digest: own.digest)])
    }

    func take(_ model: ModelID, of parts: [ArrivedWeights]) async throws -> [WeightsDigest: String] {
        guard let shelf, parts.count == 1 else {
            throw ChatError(.unsupported, "llama.cpp's models are one file, and this one has \(parts.count)")
        }
        do {
            return [parts[0].digest: try shelf.add(model, from: parts[0].path)]
        } catch let error as Errno {
            throw ChatError(.engineError, "its file cannot be moved to where models are: \(error)", cause: error)
        }
    }
}
