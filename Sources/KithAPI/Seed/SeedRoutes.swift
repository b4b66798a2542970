// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithCulture
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithServer
import KithStore

/// What synth-mind's peers, pages and monitors ask for. Two of the paths are Ollama's too.
struct SeedRoutes: Sendable {
    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(
            "/api/generate", scope: [.chat, .peer],
            [.post: { request, context in try await answer(.generate, request, context) }])
        router.surface("/api/chat", scope: .chat, [.post: { try await answer(.chat, $0, $1) }])
        router.surface("/api/feedback", scope: .chat, [.post: { request, _ in try await feedback(request) }])
        router.surface("/api/state", scope: .read, [.get: { _, _ in try await state() }])
    }

    /// Answers in the dialect in which the client asks.
    private func answer(
        _ route: OllamaRoute, _ request: Request, _ context: NodeRequestContext
    ) async throws -> Response {
        var pace: CallerLimits.Pace?
        if route == .generate {
            pace = try services.access.limits.countGeneration(
                try context.caller.get(), from: context.sourceAddress)
        }
        var response = try await made(route, request, context)
        pace?.tell(&response.headers)
        return response
    }

    private func made(
        _ route: OllamaRoute, _ request: Request, _ context: NodeRequestContext
    ) async throws -> Response {
        let body = try await SharedBody.read(request, to: route, by: context, limits: services.limits)
        switch (body.form, route) {
        case (.ollama, _):
            return try await OllamaAnswers(services: services).answer(route, body.bytes, to: request, context)
        case (.seed, .generate): return try await generate(body.bytes, request, for: try context.caller.get())
        case (.seed, .chat): return try await chat(body.bytes, request, for: try context.caller.get())
        }
    }

    private func generate(_ bytes: [UInt8], _ request: Request, for principal: Principal) async throws -> Response {
        let asked = try JSONBody.decode(SeedGenerateRequest.self, from: bytes).checked()
        if case .key(let key) = principal, !key.scopes.contains(.chat), let company = services.company {
            return try await talk(asked, with: key, in: company)
        }
        let limit = services.contextLimit(for: asked.model)
        let question = ChatRequest(
            model: asked.model, messages: [ChatMessage(.user, asked.prompt)],
            sampling: SamplingOptions(maxTokens: min(asked.maxTokens, limit), temperature: asked.temperature),
            streams: false)
        let (answer, routed) = try await wholeAnswer(to: question, of: request, by: principal)
        services.record(.completed)
        return try .json(
            SeedGenerateAnswer(
                response: answer.message.text.trimmed, model: routed.model.rawValue, route: routed.route.headerValue,
                usage: .init(
                    prompt_tokens: answer.usage.promptTokens, completion_tokens: answer.usage.completionTokens),
                finish_reason: answer.finish, max_tokens_clamped_to: asked.maxTokens > limit ? limit : nil),
            route: routed.route.headerValue)
    }

    /// A caller that may not chat is not a user but a peer: it is answered as one, with nothing private in scope.
    private func talk(
        _ asked: SeedGenerateRequest, with key: ClientKeyRecord, in company: CompanionFeature
    ) async throws -> Response {
        // The host chooses who answers.
        if !key.limits.models.isEmpty {
            throw LimitRefusal.modelNotAllowed(ModelAliases.automatic, allowed: key.limits.models)
        }
        let claim = try services.access.limits.grant(
            .key(key), tokens: asked.prompt.utf8.count / 4 + CompanionHost.tokenLimit
        ).claim
        do {
            let (answer, worded) = try await company.host.answer(
                PeerQuestion(prompt: asked.prompt, temperature: asked.temperature, maxTokens: asked.maxTokens),
                from: "key:" + key.id, named: key.name)
            claim.settle(
                RequestUse(
                    model: worded.model ?? "", node: nil, promptTokens: worded.usage.promptTokens,
                    answerTokens: worded.usage.completionTokens))
            return try .json(
                SeedGenerateAnswer(
                    response: answer.value.response.trimmed, model: worded.model?.rawValue ?? "", route: "",
                    usage: .init(
                        prompt_tokens: worded.usage.promptTokens, completion_tokens: worded.usage.completionTokens),
                    finish_reason: .stop,
                    max_tokens_clamped_to: asked.maxTokens > CompanionHost.tokenLimit ? CompanionHost.tokenLimit : nil))
        } catch CompanionHost.Refusal.tooOften(let wait) {
            guard let rate = RequestRate(company.host.limits.questions, per: .hour) else {
                throw ChatError(CompanionHost.Refusal.tooOften(retryAfter: wait))
            }
            throw LimitRefusal.tooOften(
                RateVerdict(isAllowed: false, rate: rate, remaining: 0, wait: wait, reset: wait), .generate)
        } catch let refusal as CompanionHost.Refusal {
            throw ChatError(refusal)
        }
    }

    private func chat(_ bytes: [UInt8], _ request: Request, for principal: Principal) async throws -> Response {
        let asked = try JSONBody.decode(SeedChatRequest.self, from: bytes).checked()
        let session = asked.session ?? .random()
        let history = try await services.recentTurns(of: session, model: asked.model)
        let insights = asked.usesCulture ? await services.company?.offer(for: asked.message) ?? [] : []
        let offered = insights.isEmpty ? [] : [ChatMessage(.system, CompanionPrompts.offer(of: insights.map(\.text)))]
        let question = ChatRequest(
            model: asked.model, messages: offered + history + [ChatMessage(.user, asked.message)],
            sampling: SamplingOptions(maxTokens: services.limits.defaultMaxTokens), streams: false)
        let (answer, routed) = try await wholeAnswer(to: question, of: request, by: principal)
        let text = answer.message.text.trimmed
        try await services.store.appendExchange(
            session: session, user: asked.message, assistant: text, outcome: .completed, model: routed.model,
            node: routed.route.candidate?.name, usage: answer.usage, at: .now())
        let state = try await services.store.state(at: .now())
        return try .json(
            SeedChatAnswer(
                response: text,
                state: .init(
                    valence: state.valence, mood_tags: state.moodTags.map(\.rawValue), turn_count: state.turnCount),
                session: session.rawValue, model: routed.model.rawValue, route: routed.route.headerValue,
                insights: insights.isEmpty ? nil : insights.map(SeedChatAnswer.Offered.init)),
            route: routed.route.headerValue)
    }

    private func feedback(_ request: Request) async throws -> Response {
        let given = try await request.decode(SeedFeedbackRequest.self, upTo: services.limits.seedBody)
        do {
            try await services.store.addFeedback(
                session: given.session, score: given.score, comment: given.comment, at: .now())
        } catch  where error.code == .unknownSession {
            throw ChatError(.invalidRequest, error.message, field: "session")
        }
        let state = try await services.store.state(at: .now())
        return try .json(FeedbackAnswer(valence: state.valence))
    }

    private struct FeedbackAnswer: Encodable {
        var success = true
        var valence: Double
    }

    private func state() async throws -> Response {
        let now = WallTime.now()
        let state = try await services.store.state(at: now)
        let peers = services.mesh.peers()
        var culture: SeedStateAnswer.Culture?
        if services.company != nil {
            culture = .init(
                insights: try await services.store.insightCount(on: .live),
                waiting: try await services.store.insightCount(on: .waiting))
        }
        return try .json(
            SeedStateAnswer(
                timestamp: now.rfc3339, turn_count: state.turnCount, valence: state.valence,
                mood_tags: state.moodTags.map(\.rawValue), sessions: state.sessions,
                sessions_completed: state.sessionsCompleted, node: services.name.rawValue, level: services.level(),
                peers: .init(known: peers.count, up: peers.count { $0.state == .up }), culture: culture))
    }

    // MARK: Answers in one piece

    private func wholeAnswer(
        to question: ChatRequest, of request: Request, by principal: Principal
    ) async throws -> (WholeAnswer, RoutedAnswer) {
        let routed = try await services.dispatch(
            question, by: principal, headers: request.headers, path: request.uri.path)
        guard case .whole(let answer) = routed.body else {
            throw ChatError(.invalidAnswer, "the engine answered in another dialect than it was asked in")
        }
        return (answer, routed)
    }
}

extension String {
    /// Without white space at either end, as the seed's answers are.
    fileprivate var trimmed: String {
        let start = firstIndex { !$0.isWhitespace } ?? endIndex
        let end = lastIndex { !$0.isWhitespace }.map(index(after:)) ?? start
        return String(self[start..<max(start, end)])
    }
}

/// The answer to `POST /api/generate`; the keys after `success` are kith's.
struct SeedGenerateAnswer: Encodable {
    struct Usage: Encodable {
        var prompt_tokens: Int
        var completion_tokens: Int
    }

    var response: String
    var success = true
    var model: String
    var route: String
    var usage: Usage
    var finish_reason: FinishReason
    /// The limit that was used, when the requested one was above the model's.
    var max_tokens_clamped_to: Int?
}

/// The answer to `POST /api/chat`; `session` and what follows are kith's.
struct SeedChatAnswer: Encodable {
    struct State: Encodable {
        var valence: Double
        var mood_tags: [String]
        var turn_count: Int
    }

    var success = true
    var response: String
    var state: State
    var session: String
    var model: String
    var route: String
    /// What the engine was offered of the culture; left out when that was nothing.
    var insights: [Offered]?

    struct Offered: Encodable {
        var id: String
        var text: String

        init(_ insight: Insight) {
            id = insight.id.rawValue
            text = insight.text
        }
    }
}

/// The answer to `GET /api/state`.
struct SeedStateAnswer: Encodable {

    struct Peers: Encodable {
        var known: Int
        var up: Int
    }

    var timestamp: String
    var turn_count: Int
    var valence: Double
    var mood_tags: [String]
    var sessions: Int
    var sessions_completed: Int
    var node: String
    var level: Double
    var peers: Peers
    /// Left out by a node that keeps none.
    var culture: Culture?

    struct Culture: Encodable {
        var insights: Int
        var waiting: Int
    }
}

/// The answers below `/health`.
struct SeedHealthAnswer: Encodable {
    var status: String
    var timestamp: String
    var version: String?
    var checks: [String: Bool]?
    var reason: String?
}
