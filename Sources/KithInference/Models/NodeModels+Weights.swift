// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithFiles
import KithModel
import Logging
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension NodeModels {
    /// What came of a copy that nobody went on with is kept for so long; milliseconds.
    private static let arrivalsStay: Int64 = 14 * 86_400_000

    // MARK: For other machines

    /// The whole name of a model, and the files that it is made of.
    ///
    /// - Throws: ``ModelRefusal``; `CancellationError`.
    func weights(of name: String) async throws -> (model: ModelID, files: WeightsFiles) {
        let found = try await find(name, engine: nil, .joining)
        do {
            return (found.model.id, try await found.store.weights(of: found.model.id))
        } catch let failure as ChatError {
            throw ModelRefusal(.noWeights, "\(found.model.id) cannot be copied from \(node): \(failure.message)")
        }
    }

    /// The file that an engine here says has this digest.
    func files(of digest: WeightsDigest) async -> WeightsFiles? {
        for look in await look(.joining) {
            for model in (try? look.kept.get()) ?? [] {
                guard let weights = try? await look.store.weights(of: model.id),
                    let file = weights.files.first(where: { $0.digest == digest })
                else { continue }
                return WeightsFiles(weights.form, [file])
            }
        }
        return nil
    }

    // MARK: From other machines

    /// The whole name of a model on another machine, and the engine here that takes it.
    func copied(
        _ name: String, from source: any WeightsSource, among looks: [Look]
    ) async throws -> (ModelID, Look) {
        guard arrivals != nil else { throw ModelRefusal(.noWeights, "this node has no folder for weights") }
        let offer = try await source.offer(of: name)
        let taking = looks.filter { $0.store.takes == offer.form }
        guard let look = taking.first else {
            let engines = looks.map(\.store.place.words).joined(separator: ", ")
            throw ModelRefusal(
                .noWeights,
                "the weights of \(HarmlessText(offer.name, limit: 80)) on \(source.name) are of the form "
                    + "\(offer.form.rawValue), which no engine here takes; there is \(engines)")
        }
        guard taking.count == 1 else {
            let engines = taking.map(\.store.place.words).joined(separator: ", ")
            throw ModelRefusal(.severalEngines, "several engines take it: name one of \(engines)")
        }
        if let reason = look.store.takesNothingBecause {
            throw ModelRefusal(.noWeights, "\(look.store.place.words) takes no weights: \(reason)")
        }
        try Self.requirePullable(offer.name)
        let model = ModelID(offer.name)
        // What is written here is what was asked for, whatever the other machine calls it.
        guard model.isMeant(by: ModelID(name)) else {
            throw ModelRefusal(
                .noWeights,
                "\(source.name) names another model than \(HarmlessText(name, limit: 80)): "
                    + "\(HarmlessText(offer.name, limit: 80))")
        }
        guard ![ModelAliases.automatic, ModelAliases.fast, ModelAliases.code].contains(model) else {
            throw ModelRefusal(.noWeights, "\(model) stands for any model, and can be the name of none here")
        }
        if try look.kept.get().contains(where: { $0.id.isMeant(by: model) }) {
            throw ModelRefusal(.nameTaken, "\(model) is on \(node) already")
        }
        return (model, look)
    }

    func copy(
        _ model: ModelID, from source: any WeightsSource, to store: any ModelStore,
        note: @escaping @Sendable (PullSign) throws -> Void
    ) async throws {
        guard let arrivals else { throw ModelRefusal(.noWeights, "this node has no folder for weights") }
        do {
            try PrivateDirectory.create(FilePath(arrivals))
        } catch {
            throw ModelRefusal(.engineFailed, "the folder \(arrivals) cannot be made: \(error)")
        }
        try await WeightsCopy(
            source: source, folder: arrivals, seals: seals, clock: clock, logger: logger, note: note
        ).run(model, into: store)
    }

    /// Takes away what came of copies that nobody has gone on with.
    func forgetOldArrivals(in folder: String) {
        let now = WallTime.now().milliseconds
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasSuffix(".part") {
            let path = folder + "/" + name
            guard let stamp = try? FileStamp(try Stat(FilePath(path))),
                now - stamp.changed / 1_000_000 > Self.arrivalsStay
            else { continue }
            logger.notice("what came of an old copy is removed", metadata: ["file": "\(name)"])
            try? FileManager.default.removeItem(atPath: path)  // one that is being written is not old
        }
    }
}
