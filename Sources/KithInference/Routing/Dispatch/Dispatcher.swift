// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// Sends each request where the router says, and elsewhere when that fails before the client has seen anything: the one
/// retry loop, in the node that the client asked.
package final class Dispatcher: Sendable {
    /// Nodes tried after the first.
    package static let alternateLimit = 2

    private let mesh: any Mesh
    private let clock: any TimeSource
    private let router: Mutex<Router>
    /// What may be asked for beside models.
    package let aliases: ModelAliases

    package init(mesh: any Mesh, clock: any TimeSource, router: sending Router = Router()) {
        self.mesh = mesh
        self.clock = clock
        aliases = router.aliases
        self.router = Mutex(router)
    }

    /// Answers from the best node.
    ///
    /// Returns when the first token is there, or the whole answer for a request that does not stream.
    ///
    /// - Throws: ``DispatchFailure`` when no node could begin; `CancellationError`.
    package func dispatch(_ request: ChatRequest, pin: NodeName? = nil) async throws -> RoutedAnswer {
        let wanted = RouteRequest(request, pin: pin)
        let (result, route) = try await place(wanted, id: request.id) { backend, attempt in
            var placed = request
            if placed.model != attempt.candidate.model { placed.verbatim = nil }  // the bytes name another model
            placed.model = attempt.candidate.model
            return try await Self.begin(try await backend.answer(placed), of: placed, attempt: attempt)
        }
        let model = route.candidate?.model ?? request.model ?? ModelID("")
        return RoutedAnswer(body: result, model: model, route: route)
    }

    /// Embeds on the best node that can.
    ///
    /// - Throws: ``DispatchFailure``; `CancellationError`.
    package func embed(_ request: EmbeddingRequest, pin: NodeName? = nil) async throws -> (EmbeddingAnswer, RouteReport)
    {
        let wanted = RouteRequest(request, pin: pin)
        return try await place(wanted, id: request.id) { backend, attempt in
            var placed = request
            placed.model = attempt.candidate.model
            let answer = try await backend.embed(placed)
            attempt.succeeded(EngineCost(promptTokens: answer.promptTokens))
            return answer
        }
    }

    /// A node that was gone answers again.
    package func returned(_ node: NodeName) { router.withLock { $0.returned(node) } }

    // MARK: Placing

    private func place<Answer>(
        _ wanted: RouteRequest, id: RequestID, try answer: (any Answering, Attempt) async throws -> Answer
    ) async throws -> (Answer, RouteReport) {
        router.withLock { $0.requestArrived(now: clock.now) }
        var failures: [RouteDecision.Skip] = []
        var lastFailure: ChatFailure?
        while true {
            let decision = decide(wanted, without: failures)
            var report = RouteReport(skipped: decision.skipped)
            guard let choice = decision.choices.first else {
                let failure = lastFailure ?? decision.refusal(of: wanted)
                throw DispatchFailure(failure: failure, route: report)
            }
            report.candidate = choice.candidate
            report.reason = failures.isEmpty ? choice.reason : .alternate
            let attempt = begin(choice.candidate, id: id, for: wanted)
            do {
                guard let backend = mesh.backend(for: choice.candidate.node) else {
                    throw ChatFailure(.unreachable, "\(choice.candidate.node) has left the mesh")
                }
                return (try await answer(backend, attempt), report)
            } catch {
                attempt.ended(with: error)
                guard let failure = error as? ChatFailure else { throw error }
                failures.append(.init(node: choice.candidate.node, reason: .failed(failure.code)))
                lastFailure = failure
                guard mayTryAnother(after: failure, count: failures.count) else {
                    report.skipped = decision.skipped
                    throw DispatchFailure(failure: failure, route: report)
                }
            }
        }
    }

    private func decide(_ wanted: RouteRequest, without failed: [RouteDecision.Skip]) -> RouteDecision {
        let nodes = mesh.snapshots().filter { node in !failed.contains { $0.node == node.name } }
        var decision = router.withLock { $0.decide(wanted, among: nodes, now: clock.now) }
        decision.skipped.append(contentsOf: failed)
        return decision
    }

    /// A node that is not there, or died, is no sign of a mesh with too much to do, against which the budget is.
    private func mayTryAnother(after failure: ChatFailure, count: Int) -> Bool {
        guard FailureRule(failure).triesAnother, count <= Self.alternateLimit else { return false }
        switch failure.code {
        case .unreachable, .interrupted: return true
        default: return router.withLock { $0.mayRetry(now: clock.now) }
        }
    }

    private func begin(_ candidate: Candidate, id: RequestID, for wanted: RouteRequest) -> Attempt {
        router.withLock { $0.began(id, at: candidate, for: wanted, now: clock.now) }
        return Attempt(candidate: candidate) { [self] outcome in
            let now = clock.now
            router.withLock { router in
                switch outcome {
                case .succeeded(let cost): router.succeeded(id, at: candidate, cost: cost, now: now)
                case .failed(let failure): router.failed(id, at: candidate, with: failure, now: now)
                case .abandoned: router.abandoned(id, at: candidate, now: now)
                }
            }
            if case .failed(let failure) = outcome { mesh.report(failure, from: candidate.node) }
        }
    }

    /// Waits for what the client may be shown: the first token of a stream, all of an answer in one piece.
    private static func begin(
        _ answer: ChatAnswer, of request: ChatRequest, attempt: Attempt
    ) async throws -> RoutedAnswer.Body {
        switch answer {
        case .verbatim(let whole):
            attempt.succeeded(EngineCost(whole))
            return .verbatim(whole)
        case .events(let stream):
            guard !request.streams else {
                let started = try await StartedStream.begin(stream) { event in
                    if case .waiting = event { false } else { true }
                }
                return .stream(RoutedStream(stream: started, attempt: attempt))
            }
            let whole = try await AnswerCollector.collect(stream)
            attempt.succeeded(EngineCost(whole.usage))
            return .whole(whole)
        }
    }
}
