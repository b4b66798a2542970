// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithServer

/// Where a request would go, and where the last ones went.
///
/// Both tell how busy and how fast each machine is, so they need the scope `read`; a client that may only chat is told
/// by `x-kith-route` where each of its answers came from.
struct RoutingRoutes: Sendable {
    static let path = "/api/routes"
    private static let recentCount = 50

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(
            Self.path + "/explain", scope: .read, [.post: { request, _ in try await explain(request) }])
        router.surface(Self.path + "/recent", scope: .read, [.get: { request, _ in try recent(request) }])
    }

    /// Takes what `/v1/chat/completions` takes.
    private func explain(_ request: Request) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: services.limits.openAIBody)
        let asked = try OpenAICompletion(chat: bytes).request
        let explanation = services.dispatcher.explain(asked, pin: try request.headers.pinnedNode())
        return try .json(RouteMessage.Explanation(explanation, promptTokens: asked.estimatedPromptTokens))
    }

    private func recent(_ request: Request) throws -> Response {
        let count = try request.queryNumber("limit", in: 1...RouteJournal.capacity) ?? Self.recentCount
        let now = WallTime.now()
        let requests = services.dispatcher.journal.recent(count).map { RouteMessage.Request($0, now: now) }
        return try .json(RouteMessage.Recent(requests: requests))
    }
}

extension RouteMessage.Explanation {
    init(_ explanation: RouteExplanation, promptTokens: Int) {
        let decision = explanation.decision
        let chosen = decision.choices.first
        self.init(
            asked: explanation.wanted.model?.rawValue, promptTokens: promptTokens,
            node: chosen?.candidate.name.rawValue, model: chosen?.candidate.model.rawValue,
            reason: chosen?.reason.description, refusal: explanation.refusal?.message,
            candidates: decision.choices.map(RouteMessage.Candidate.init),
            skipped: decision.skipped.map(RouteMessage.Skip.init))
    }
}

extension RouteMessage.Skip {
    init(_ skip: RouteDecision.Skip) { self.init(node: skip.name.rawValue, reason: skip.reason.description) }
}

extension RouteMessage.Candidate {
    init(_ choice: RouteDecision.Choice) {
        self.init(
            node: choice.candidate.name.rawValue, model: choice.candidate.model.rawValue,
            waitMilliseconds: choice.estimate.untilWhole.shownMilliseconds,
            scoreMilliseconds: choice.score.shownMilliseconds, estimate: .init(choice.estimate))
    }
}

extension RouteMessage.Estimate {
    init(_ estimate: WaitEstimate) {
        let breaker =
            switch estimate.breaker {
            case .granted: "closed"
            case .probe: "half-open"
            case .refused: "open"
            }
        self.init(
            outstanding: estimate.outstanding, slots: estimate.slots,
            tokensPerSecond: estimate.tokensPerSecond?.rounded(toPlaces: 2),
            queueMilliseconds: estimate.queue.shownMilliseconds,
            serviceMilliseconds: estimate.service.shownMilliseconds,
            roundTripMilliseconds: estimate.latency.shownMilliseconds,
            coldLoadMilliseconds: estimate.coldLoad.shownMilliseconds,
            penaltyMilliseconds: estimate.penalty.shownMilliseconds, level: estimate.level, breaker: breaker,
            prefixBlocks: estimate.prefixBlocks,
            missingMemoryBytes: estimate.missingMemory, sparesBattery: estimate.sparesBattery ? true : nil)
    }
}

extension RouteMessage.Request {
    init(_ record: RouteRecord, now: WallTime) {
        let (outcome, failure): (Outcome, String?) =
            switch record.outcome {
            case .completed: (.completed, nil)
            case .failed(let code): (.failed, code.word)
            case .abandoned: (.abandoned, nil)
            }
        self.init(
            id: record.id.rawValue, at: record.at.rfc3339,
            secondsAgo: max(0, now.duration(since: record.at).seconds).rounded(toPlaces: 1),
            asked: record.asked?.rawValue, node: record.route.candidate?.name.rawValue,
            model: record.route.candidate?.model.rawValue, reason: record.route.reason?.description,
            skipped: record.route.skipped.map(RouteMessage.Skip.init),
            continuations: record.continuations.map(RouteMessage.Continuation.init), outcome: outcome,
            failure: failure, firstTokenMilliseconds: record.firstToken?.shownMilliseconds,
            durationMilliseconds: record.duration.shownMilliseconds, usage: record.usage.map(RouteMessage.Usage.init),
            tokensPerSecond: record.tokensPerSecond?.rounded(toPlaces: 2))
    }
}

extension RouteMessage.Continuation {
    init(_ continuation: RouteRecord.Continuation) {
        self.init(
            node: continuation.candidate.name.rawValue, model: continuation.candidate.model.rawValue,
            afterTokens: continuation.tokens, reason: continuation.failure.word,
            gapMilliseconds: continuation.gap.shownMilliseconds)
    }
}

extension RouteRecord {
    /// From the first token to the end; over the whole time for an answer that came in one piece.
    fileprivate var tokensPerSecond: Double? {
        guard let tokens = usage?.completionTokens, tokens > 0 else { return nil }
        let telling = duration - (firstToken ?? .zero)
        if tokens > 1, telling >= .milliseconds(1) { return Double(tokens - 1) / telling.seconds }
        return duration > .zero ? Double(tokens) / duration.seconds : nil
    }
}

extension Duration {
    /// In hundredths of a millisecond; what a node may say of another is limited to what can be shown.
    fileprivate var shownMilliseconds: Double { min(max(milliseconds, 0), 1e12).rounded(toPlaces: 2) }
}
