// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithCulture
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithStore
import KithSync
import KithTransport
import Logging

/// A node's company, put together.
enum NodeCompany {
    /// - Throws: ``StoreError``.
    static func open(
        settings: SocialSettings, store: Store, state: StateBook, mesh: PeerMesh, dispatcher: Dispatcher,
        upstream: UpstreamClient, activity: UserActivity, log: SynthLogFile, clock: any TimeSource, logger: Logger
    ) async throws(StoreError) -> Company {
        let node = mesh.identity().id
        let culture = StoredCulture(store: store, state: state, node: node, logger: logger)
        let memory = StoredPrivateMemory(store: store, state: state)
        let wall = PrivacyGuard(memory: memory)
        let mind = MeshMind(dispatcher: dispatcher, clock: clock)
        let spent = try await store.exchangeBudget()
        let budget =
            spent.map {
                ExchangeBudget(limits: settings.budget, day: $0.day, exchanges: $0.exchanges, tokens: $0.tokens)
            } ?? ExchangeBudget(limits: settings.budget, now: .now())
        let service = CompanionService(
            mind: mind, peers: MeshCompanions(mesh: mesh, upstream: upstream), keeper: culture, wall: wall,
            journal: SynthLog(logger: logger) { log.append($0) }, activity: activity, clock: clock, node: node,
            way: settings.choice, budget: budget)
        let isPaused = try await store.companionPause() != nil
        if !settings.isOn || isPaused { await service.pause() }
        let host = CompanionHost(
            mind: mind, keeper: culture, wall: wall, activity: activity, clock: clock, limits: settings.allowance)
        return Company(
            culture: culture, service: service, host: host, activity: activity, memory: memory,
            offersCulture: settings.offersCulture)
    }
}
