// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithCulture
import KithDialects
import KithModel
import KithServer
import KithStore

/// What the owner can see and change of a node's company.
struct CompanionRoutes: Sendable {
    static let path = "/api/companion"
    private static let bodyLimit = 4_096
    private static let recent = 10
    /// Conversations in a row that came to nothing, from which on the owner is told.
    private static let fruitlessLimit = 6
    private static let listLimit = 200

    let services: NodeServices
    let company: CompanionFeature

    func add(to router: SurfaceRouter) {
        router.surface(
            Self.path, scope: .read, [.get: { _, _ in try .json(try await status()) }])
        router.surface(
            Self.path + "/pause", scope: .admin, [.put: { request, _ in try await pause(request) }])
        router.surface(Self.path + "/now", scope: .admin, [.post: { _, _ in try await talk() }])
        router.surface(Self.path + "/history", scope: .read, [.get: { _, _ in try await history() }])
        router.surface(Self.path + "/refusals", scope: .admin, [.get: { _, _ in try await refusals() }])
        router.surface("/api/peers/reputation", scope: .read, [.get: { _, _ in try await reputations() }])
    }

    private func status() async throws -> CompanionMessage.Status {
        let report = await company.service.report()
        let (state, detail, until) = Self.words(for: report.step, threshold: report.threshold)
        return CompanionMessage.Status(
            state: state, detail: detail, idle_seconds: report.idle.seconds.rounded(toPlaces: 1),
            threshold_seconds: report.threshold.seconds,
            wait_seconds: until.map { max(0, ($0 - services.clock.now).seconds.rounded(toPlaces: 1)) },
            talking_to: report.talkingTo, choice: report.choice.rawValue, peers: report.peers,
            exchanges_today: report.budget.exchanges, exchange_limit: report.budget.limits.exchanges,
            tokens_today: report.budget.tokens, token_limit: report.budget.limits.tokens,
            insights: try await services.store.insightCount(on: .live),
            insights_waiting: try await services.store.insightCount(on: .waiting),
            recent: try await services.store.exchanges(limit: Self.recent).map(CompanionMessage.Exchange.init),
            note: Self.note(on: report))
    }

    private static func words(
        for step: CompanionSchedule.Step, threshold: Duration
    ) -> (state: String, detail: String, until: MonotonicInstant?) {
        switch step {
        case .talk: ("waiting", "looks for somebody to talk to", nil)
        case .wait(.paused, let until): ("paused", "paused until kith companion resume", until)
        case .wait(.userIsHere, let until):
            ("waiting", "starts after \(Self.words(for: threshold)) without a prompt", until)
        case .wait(.resting, let until): ("resting", "rests between two conversations", until)
        case .wait(.talking, let until): ("talking", "talks to a peer", until)
        case .wait(.budgetSpent, let until): ("budget-spent", "today's limit for company is reached", until)
        case .wait(.hindered(let hindrance), let until): ("held", words(for: hindrance), until)
        }
    }

    private static func words(for hindrance: CompanionSchedule.Hindrance) -> String {
        switch hindrance {
        case .onBattery: "waits until this machine has mains power (social.on_battery: on lets it talk)"
        case .onlyPaidEngines: "waits for an engine that costs nothing (social.paid_engines: on lets it use others)"
        case .noEngine: "waits for an engine that can answer"
        }
    }

    /// What the owner should know of the last conversations, if anything.
    private static func note(on report: CompanionService.Report) -> String? {
        guard report.fruitless >= Self.fruitlessLimit else { return nil }
        let model = report.model.map { "its model, \($0)," } ?? "its model"
        return
            "nothing was kept of the last \(report.fruitless) conversations: \(model) seems too small for this, so it tries "
            + "seldom; kith companion pause stops it"
    }

    private static func words(for threshold: Duration) -> String {
        let seconds = Int(threshold.seconds.rounded())
        return seconds >= 120 && seconds % 60 == 0 ? "\(seconds / 60) minutes" : "\(seconds) seconds"
    }

    private func pause(_ request: Request) async throws -> Response {
        let wish = try await request.decode(CompanionMessage.PauseRequest.self, upTo: Self.bodyLimit)
        // First what was asked for: a full disk must not keep a node talking.
        if wish.paused { await company.service.pause() } else { await company.service.resume() }
        company.host.setPaused(wish.paused)
        try await services.store.setCompanionPause(since: wish.paused ? .now() : nil)
        return try .json(try await status())
    }

    /// Answers when the conversation is over.
    private func talk() async throws -> Response {
        let record: ExchangeRecord?
        do {
            record = try await company.service.talkNow()
        } catch is CancellationError {
            throw ControlError(.invalid, "the conversation gave way to somebody who asked something")
        }
        guard let record else {
            throw ControlError(
                .invalid, "there is nobody to talk to, or a conversation is under way; kith companion status says which"
            )
        }
        let text: String? = if let id = record.insight { try await services.store.insight(id)?.text } else { nil }
        return try .json(CompanionMessage.Talk(exchange: .init(record), text: text))
    }

    private func history() async throws -> Response {
        let exchanges = try await services.store.exchanges(limit: Self.listLimit)
        return try .json(CompanionMessage.Exchanges(exchanges: exchanges.map(CompanionMessage.Exchange.init)))
    }

    private func refusals() async throws -> Response {
        let all = try await services.store.refusals(limit: services.store.limits.refusals)
        let counts = Dictionary(all.map { ($0.reason.rawValue, 1) }, uniquingKeysWith: +)
        return try .json(
            CompanionMessage.Refusals(
                counts: counts, refusals: all.prefix(Self.listLimit).map(CompanionMessage.Refusal.init)))
    }

    private func reputations() async throws -> Response {
        let now = WallTime.now()
        let peers = try await services.store.companions().map { record in
            let reputation = Reputation(record)
            return CompanionMessage.Reputation(
                key: record.key, name: record.name, score: reputation.score(at: now).rounded(toPlaces: 3),
                exchanges: record.exchanges, successes: record.successes,
                latency_ms: record.latency.map { Double($0.wholeMilliseconds) },
                paused_until: reputation.isPaused(at: now) ? record.pausedUntil?.rfc3339 : nil, last: record.at.rfc3339)
        }
        return try .json(CompanionMessage.Reputations(peers: peers.sorted { $0.score > $1.score }))
    }
}
