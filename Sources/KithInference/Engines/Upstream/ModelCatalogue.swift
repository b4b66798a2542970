// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// The models an engine lists, remembered until the list is read again.
final class ModelCatalogue: Sendable {
    /// ``EngineMonitor`` has the list read sooner than this when there is a reason.
    private static let freshFor = Duration.seconds(600)
    /// A name that is not listed is looked for again only after this long.
    private static let retryAfter = Duration.seconds(2)

    private struct Listing {
        var models: [ModelInfo]
        var at: MonotonicInstant
    }

    private let clock: any TimeSource
    private let preferred: ModelID?
    private let fetch: @Sendable () async throws -> [ModelInfo]
    private let listing = Mutex<Listing?>(nil)

    /// - Parameter preferred: The owner's choice for prompts that name none.
    init(
        clock: any TimeSource, preferred: ModelID? = nil, fetch: @escaping @Sendable () async throws -> [ModelInfo]
    ) {
        self.clock = clock
        self.preferred = preferred
        self.fetch = fetch
    }

    /// - Returns: The preferred one first.
    /// - Throws: `ChatError` when the engine cannot be asked.
    func refreshed() async throws -> [ModelInfo] {
        var models = try await fetch()
        if let preferred, let place = models.firstIndex(where: { $0.id.isMeant(by: preferred) }) {
            var first = models.remove(at: place)
            first.isPreferred = true
            models.insert(first, at: 0)
        }
        listing.withLock { $0 = Listing(models: models, at: clock.now) }
        return models
    }

    /// The engine's own name for a model; for `nil` the first that answers prompts on the owner's machines.
    ///
    /// Some servers answer any name with the model they have, so the list is asked. One that keeps no list is trusted to
    /// know its names.
    ///
    /// - Throws: `ChatError` with `modelNotFound`, or when the engine cannot be asked.
    func resolve(_ wanted: ModelID?, preferred: ModelID?) async throws -> ModelID {
        if wanted == nil, let preferred { return preferred }
        var models = try await known(within: Self.freshFor)
        if let wanted {
            if models.isEmpty { return wanted }
            if let listed = Self.listed(wanted, in: models) { return listed }
            models = try await known(within: Self.retryAfter)
            if let listed = Self.listed(wanted, in: models) { return listed }
            throw ChatError(
                .modelNotFound, "model '\(wanted)' not found", field: "model", knownModels: models.map(\.id))
        }
        guard let first = models.first(where: \.isForAnybody) else {
            throw models.isEmpty
                ? ChatError(.noEngine, "the engine has no model")
                : ChatError(
                    .modelNotFound, "the engine has no model that is for prompts which name none", field: "model",
                    knownModels: models.map(\.id))
        }
        return first.id
    }

    private static func listed(_ wanted: ModelID, in models: [ModelInfo]) -> ModelID? {
        (models.first { $0.id == wanted } ?? models.first { $0.id.isMeant(by: wanted) })?.id
    }

    /// What is listed about the model that would be used.
    ///
    /// - Throws: `ChatError` when the engine cannot be asked.
    func info(_ wanted: ModelID?, preferred: ModelID?) async throws -> ModelInfo? {
        let models = try await known(within: Self.freshFor)
        guard let name = wanted ?? preferred else { return models.first }
        return models.first { $0.id == name } ?? models.first { $0.id.isMeant(by: name) }
    }

    private func known(within age: Duration) async throws -> [ModelInfo] {
        if let listing = listing.withLock({ $0 }), clock.now - listing.at < age { return listing.models }
        do {
            return try await refreshed()
        } catch let failure as ChatError where failure.code == .modelNotFound || failure.code == .unsupported {
            return []  // no such path: it keeps no list
        }
    }
}
