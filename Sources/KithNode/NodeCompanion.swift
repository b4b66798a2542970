// SPDX-License-Identifier: Apache-2.0

import KithAPI
package import KithCulture
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithStore
import KithSync
import KithTransport
import Logging
import Synchronization

/// How a node keeps company with peers.
package struct SocialSettings: Hashable, Sendable {
    /// Whether it talks to peers by itself while its user is away.
    package var isOn: Bool
    /// The seed's `SOCIAL_IDLE_THRESHOLD_MIN`.
    package var idleThreshold: Duration
    package var choice: PeerChoice
    package var budget: ExchangeBudget.Limits
    /// What peers may ask of this node.
    package var allowance: PeerAllowance.Limits
    /// Whether the culture is offered to engines that answer the user on `/api/chat`.
    package var offersCulture: Bool
    /// Whether it begins conversations on battery.
    package var isOnBattery: Bool
    /// Whether engines that cost money word them.
    package var usesPaidEngines: Bool

    /// Tokens that conversations may cost in a day; `nil` where none are begun.
    package var tokensPerDay: Int? { isOn && budget.exchanges > 0 && budget.tokens > 0 ? budget.tokens : nil }

    package init(
        isOn: Bool = true, idleThreshold: Duration = .seconds(480), choice: PeerChoice = .thompson,
        budget: ExchangeBudget.Limits = .init(), allowance: PeerAllowance.Limits = .init(),
        offersCulture: Bool = true, isOnBattery: Bool = false, usesPaidEngines: Bool = false
    ) {
        self.isOnBattery = isOnBattery
        self.usesPaidEngines = usesPaidEngines
        self.isOn = isOn
        self.idleThreshold = idleThreshold
        self.choice = choice
        self.budget = budget
        self.allowance = allowance
        self.offersCulture = offersCulture
    }

    init(_ values: SettingValues) throws(SettingError) {
        let minutes = try values.required(.socialIdleThreshold, values.number(.socialIdleThreshold))
        self.init(
            isOn: try values.required(.socialCompanion, values.boolean(.socialCompanion)),
            idleThreshold: .seconds(60 * minutes),
            choice: try values.required(
                .socialPeerChoice, values.text(.socialPeerChoice).flatMap(PeerChoice.init(rawValue:))),
            budget: .init(
                exchanges: try values.required(.socialExchanges, values.integer(.socialExchanges)),
                tokens: try values.required(.socialTokens, values.integer(.socialTokens))),
            allowance: .init(
                questions: try values.required(.socialPeerQuestions, values.integer(.socialPeerQuestions)),
                tokens: try values.required(.socialPeerTokens, values.integer(.socialPeerTokens))),
            offersCulture: try values.required(.cultureOffer, values.boolean(.cultureOffer)),
            isOnBattery: try values.required(.socialOnBattery, values.boolean(.socialOnBattery)),
            usesPaidEngines: try values.required(.socialPaidEngines, values.boolean(.socialPaidEngines)))
    }
}

/// Puts together the parts of a node's company.
enum NodeCompanion {
    /// - Throws: `StoreError`.
    static func open(
        settings: SocialSettings, store: Store, state: SharedStateStore, mesh: PeerMesh, dispatcher: Dispatcher,
        upstream: UpstreamClient, activity: UserActivity, log: SynthLogFile, clock: any TimeSource, logger: Logger
    ) async throws(StoreError) -> CompanionFeature {
        let node = mesh.identity().id
        let culture = StoredCulture(store: store, state: state, node: node, logger: logger)
        let memory = StoredPrivateMemory(store: store, state: state)
        let wall = PrivacyGuard(memory: memory)
        let mind = DispatcherCompanionEngine(
            dispatcher: dispatcher, avoidsCost: !settings.usesPaidEngines, clock: clock)
        let hindrance: @Sendable () async -> CompanionSchedule.Hindrance? = {
            if !settings.isOnBattery, PowerSource.current() == .battery { return .onBattery }
            return mind.hindrance()
        }
        let spent = try await store.exchangeBudget()
        let budget =
            spent.map {
                ExchangeBudget(limits: settings.budget, day: $0.day, exchanges: $0.exchanges, tokens: $0.tokens)
            } ?? ExchangeBudget(limits: settings.budget, now: .now())
        let service = CompanionService(
            mind: mind, peers: MeshCompanions(mesh: mesh, upstream: upstream), keeper: culture, wall: wall,
            journal: SynthLog(logger: logger) { log.append($0) }, activity: activity, clock: clock, node: node,
            way: settings.choice, budget: budget, hindrance: hindrance)
        let isPaused = try await store.companionPause() != nil
        if !settings.isOn || isPaused { await service.pause() }
        let host = CompanionHost(
            mind: mind, keeper: culture, wall: wall, activity: activity, clock: clock, limits: settings.allowance)
        host.setPaused(isPaused)
        return CompanionFeature(
            culture: culture, service: service, host: host, activity: activity, memory: memory,
            offersCulture: settings.offersCulture)
    }
}

/// `state/synth.log`, the seed's name for a node's log for people: plain lines, set aside when there are many.
final class SynthLogFile: Sendable {
    private static let longestLine = 4_096

    private let file: Mutex<RotatingLog?>
    private let path: String
    private let logger: Logger

    /// A failure to write is logged, and nothing else depends on it.
    init(path: String, logger: Logger) {
        self.path = path
        self.logger = logger
        file = Mutex(nil)
    }

    /// Writes a line, and ends it.
    func append(_ line: String) {
        do {
            try file.withLock { file in
                if file == nil { file = try RotatingLog(path: path) }
                try Array((HarmlessText(line, limit: Self.longestLine).description + "\n").utf8).withUnsafeBytes {
                    try file?.write($0)
                }
            }
        } catch {
            logger.warning("cannot write to the log of company", metadata: ["file": "\(path)", "reason": "\(error)"])
        }
    }
}
