// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// The models an engine lists, remembered for a short while.
final class ModelCatalogue: Sendable {
    private static let freshFor = Duration.seconds(30)
    /// A name that is not listed is looked for again only after this long.
    private static let retryAfter = Duration.seconds(2)

    private struct Listing {
        var models: [ModelInfo]
        var at: Moment
    }

    private let clock: any TimeSource
    private let fetch: @Sendable () async throws -> [ModelInfo]
    private let listing = Mutex<Listing?>(nil)

    init(clock: any TimeSource, fetch: @escaping @Sendable () async throws -> [ModelInfo]) {
        self.clock = clock
        self.fetch = fetch
    }

    /// - Throws: ``ChatFailure`` when the engine cannot be asked.
    func refreshed() async throws -> [ModelInfo] {
        let models = try await fetch()
        listing.withLock { $0 = Listing(models: models, at: clock.now) }
        return models
    }

    /// The engine's own name for a model, or its first model for `nil`.
    ///
    /// Some servers answer any name with the model they have, so the list is asked. One that keeps no list is trusted to
    /// know its names.
    ///
    /// - Throws: ``ChatFailure`` with `modelNotFound`, or when the engine cannot be asked.
    func resolve(_ wanted: ModelID?, preferred: ModelID?) async throws -> ModelID {
        if wanted == nil, let preferred { return preferred }
        var models = try await known(within: Self.freshFor)
        if let wanted {
            if models.isEmpty || models.contains(where: { $0.id == wanted }) { return wanted }
            models = try await known(within: Self.retryAfter)
            if models.contains(where: { $0.id == wanted }) { return wanted }
            throw ChatFailure(
                .modelNotFound, "model '\(wanted)' not found", field: "model", knownModels: models.map(\.id))
        }
        guard let first = models.first else { throw ChatFailure(.noEngine, "the engine has no model") }
        return first.id
    }

    /// What is listed about the model that would be taken.
    ///
    /// - Throws: ``ChatFailure`` when the engine cannot be asked.
    func info(_ wanted: ModelID?, preferred: ModelID?) async throws -> ModelInfo? {
        let models = try await known(within: Self.freshFor)
        guard let name = wanted ?? preferred else { return models.first }
        return models.first { $0.id == name }
    }

    private func known(within age: Duration) async throws -> [ModelInfo] {
        if let listing = listing.withLock({ $0 }), clock.now - listing.at < age { return listing.models }
        do {
            return try await refreshed()
        } catch let failure as ChatFailure where failure.code == .modelNotFound || failure.code == .unsupported {
            return []  // no such path: it keeps no list
        }
    }
}
