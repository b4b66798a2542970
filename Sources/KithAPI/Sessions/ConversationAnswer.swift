// SPDX-License-Identifier: Apache-2.0

import KithCulture
import KithDialects
import KithInference
import KithModel
import KithServer
import KithStore
import Synchronization

/// Makes one answer in a conversation: asks the mesh, tells what comes, and keeps it.
struct ConversationAnswer: Sendable {
    let services: NodeServices
    /// Who asked: on whose account it goes.
    let caller: Principal
    let answer: RunningAnswer
    let question: SessionQuestion

    private struct Progress {
        var text = ""
        var route: RouteReport?
        var model = ModelID("")
        var node: NodeName?
        var firstToken: MonotonicInstant?
    }

    /// For the whole answer: one that trickles on does not hold its conversation for ever.
    private static let longest = Duration.seconds(1_800)

    /// - Returns: What its followers are told last.
    func run() async -> [UInt8] {
        let began = services.clock.now
        var progress = Progress()
        do {
            let (finish, usage) = try await made(&progress)
            let pace = pace(usage, since: progress.firstToken)
            let isKept = await keep(progress, .completed, usage)
            let ending = AnswerNews.Ending(
                finish: finish.rawValue, usage: usage,
                firstTokenMilliseconds: progress.firstToken.map { ($0 - began).milliseconds.rounded(toPlaces: 1) },
                tokensPerSecond: pace, isKept: isKept)
            return AnswerNews.done(ending).bytes
        } catch let error where error is CancellationError || (Task.isCancelled && !(error is ChatError)) {
            let isKept = await keep(progress, progress.text.isEmpty ? .failed : .cutOff, nil)
            return AnswerNews.done(AnswerNews.Ending(finish: "stopped", isKept: isKept)).bytes
        } catch {
            let problem = SurfaceError(error)
            _ = await keep(progress, progress.text.isEmpty ? .failed : .cutOff, nil)
            let code = problem.code ?? problem.failure?.code.rawValue ?? "failed"
            return AnswerNews.error(problem.message, code: code).bytes
        }
    }

    /// - Throws: Also when it takes too long.
    private func made(_ progress: inout Progress) async throws -> (FinishReason, TokenUsage?) {
        let clock = services.clock
        let overdue = Mutex(false)
        let watch = Task { [answer] in
            try await clock.sleep(for: Self.longest)
            overdue.withLock { $0 = true }
            answer.stop()
        }
        defer { watch.cancel() }
        do {
            return try await make(&progress)
        } catch  where overdue.withLock({ $0 }) {
            throw ChatError(.deadlineExceeded, "the answer took longer than half an hour")
        }
    }

    private func make(_ progress: inout Progress) async throws -> (FinishReason, TokenUsage?) {
        let history = try await services.recentTurns(of: answer.session, model: question.model)
        let insights =
            question.usesCulture ? await services.company?.offer(for: question.message) ?? [] : []
        let offered = insights.isEmpty ? [] : [ChatMessage(.system, CompanionPrompts.offer(of: insights.map(\.text)))]
        var request = ChatRequest(
            model: question.model,
            messages: offered + history + [ChatMessage(role: .user, content: question.content)],
            sampling: SamplingOptions(maxTokens: services.limits.defaultMaxTokens), includesUsage: true)
        let notice = WaitNotice()
        request.notice = notice
        request.conversation = answer.session.rawValue
        try services.take(&request, by: caller)
        let routed = try await waiting(notice) { [services, request, pin = question.node] in
            try await services.dispatcher.dispatch(request, pin: pin)
        }
        guard case .stream(let stream) = routed.body else {
            throw ChatError(.invalidAnswer, "a whole answer came where a stream was asked for")
        }
        progress.route = routed.route
        progress.model = routed.model
        progress.node = routed.route.candidate?.name
        progress.firstToken = services.clock.now
        try tell(
            .began(
                request: request.id.rawValue, node: progress.node?.rawValue, model: routed.model.rawValue,
                reason: routed.route.reason?.description, skipped: routed.route.skipped.map(RouteMessage.Skip.init),
                insights: insights.map { ($0.id.rawValue, $0.text) }))
        while let event = try await stream.next() {
            switch event {
            case .continued(let continuation):
                progress.node = continuation.candidate.name
                progress.model = continuation.candidate.model
                try tell(.continued(RouteMessage.Continuation(continuation)))
            case .event(.delta(let delta)):
                if let thought = delta.reasoning, !thought.isEmpty { try tell(.thought(thought)) }
                let text = delta.text + (delta.refusal ?? "")
                guard !text.isEmpty else { continue }
                progress.text += text
                try tell(.text(text))
            case .event(.finished(let finish, let usage)): return (finish, usage)
            case .event(.rawEnd(let finish, let usage)): return (finish ?? .stop, usage)
            case .event(.waiting), .event(.comment), .event(.raw): continue
            }
        }
        throw CancellationError()
    }

    /// Says what the request waits for, as long as nobody answers.
    private func waiting<Value: Sendable>(
        _ notice: WaitNotice, for work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await work() }
            group.addTask { [services, answer] in
                while true {
                    try await services.clock.sleep(for: .seconds(1))
                    _ = answer.tell(AnswerNews.waiting(notice.words).bytes)
                }
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() ?? nil else { throw CancellationError() }
            return value
        }
    }

    private func tell(_ news: AnswerNews) throws {
        guard answer.tell(news.bytes) else { throw ChatError(.invalidAnswer, "the answer is too long to be kept") }
    }

    /// What was said is kept also when somebody stopped it. A disk that is full does not take the answer from who reads it, but
    /// they are told.
    ///
    /// - Returns: Whether it is kept.
    private func keep(_ progress: Progress, _ outcome: InteractionOutcome, _ usage: TokenUsage?) async -> Bool {
        guard !answer.isDiscarded else { return false }
        let kept =
            question.images.isEmpty ? question.message : question.message + "\n\n[\(question.images.count) pictures]"
        do {
            try await services.store.appendExchange(
                session: answer.session, user: kept, assistant: progress.text, outcome: outcome, model: progress.model,
                node: progress.node, usage: usage, at: .now())
            return true
        } catch {
            return false
        }
    }

    private func pace(_ usage: TokenUsage?, since firstToken: MonotonicInstant?) -> Double? {
        guard let usage, let firstToken, usage.completionTokens > 1 else { return nil }
        let seconds = (services.clock.now - firstToken).seconds
        return seconds < 0.001 ? nil : (Double(usage.completionTokens - 1) / seconds).rounded(toPlaces: 1)
    }
}
