// SPDX-License-Identifier: Apache-2.0

package import KithModel
import KithTracing

extension Dispatcher {
    /// Embeds on the best node that can.
    ///
    /// - Throws: ``DispatchError``; `CancellationError`.
    package func embed(_ request: EmbeddingRequest, pin: NodeName? = nil) async throws -> (EmbeddingAnswer, RouteReport)
    {
        let wanted = RouteRequest(request, pin: named(pin))
        let claim = request.claim
        let trace = trace(
            .embeddings, request.id, path: request.path, model: request.model, from: request.trace)
        return try await tracing(trace) {
            try await tryCandidates(wanted, id: .random(), trace: trace, deadline: request.deadline) {
                backend, attempt in
                var placed = request
                placed.claim = nil
                claim?.expect(RequestUse(attempt.candidate, promptTokens: wanted.tokens))
                placed.model = attempt.candidate.model
                placed.trace = attempt.trace
                let answer = try await backend.until(request.deadline, clock: clock).embed(placed)
                attempt.succeeded(EngineCost(promptTokens: answer.promptTokens))
                let tokens = answer.promptTokens > 0 ? answer.promptTokens : wanted.tokens
                claim?.settle(RequestUse(attempt.candidate, promptTokens: tokens))
                return answer
            }
        }
    }

    /// Passes a request to the best node that has the service.
    ///
    /// Returns when the head of the answer is there.
    ///
    /// - Throws: ``DispatchError``; `CancellationError`.
    package func passThrough(
        _ request: PassThroughRequest, pin: NodeName? = nil
    ) async throws -> (PassThroughAnswer, RouteReport) {
        let wanted = RouteRequest(request, pin: named(pin))
        let visit = presence?.begin()
        let claim = request.claim
        let trace = trace(
            .passThrough, request.id, path: request.path, model: request.model, from: request.trace)
        return try await tracing(trace) {
            try await tryCandidates(wanted, id: .random(), trace: trace, deadline: request.deadline) {
                backend, attempt in
                var placed = request
                placed.claim = nil
                claim?.expect(RequestUse(attempt.candidate))
                placed.model = attempt.candidate.model
                placed.trace = attempt.trace
                var answer = try await backend.until(request.deadline, clock: clock).passThrough(placed)
                attempt.succeeded(.unknown)
                if let claim { answer.body = GuardedBody(answer.body, holding: claim) }
                if let visit { answer.body = GuardedBody(answer.body, holding: visit) }
                return answer
            }
        }
    }

    /// Begins the trace of a request that is no prompt.
    private func trace(
        _ operation: TracedOperation, _ request: RequestID, path: String?, model: ModelID?, from caller: TracePosition
    ) -> TracePosition {
        tracer?.begin(.request, operation, request: request, path: path, model: model, from: caller.context) ?? caller
    }

    /// Ends the trace with what becomes of the work.
    private func tracing<Answer>(
        _ trace: TracePosition, _ work: () async throws -> (Answer, RouteReport)
    ) async throws -> (Answer, RouteReport) {
        do {
            let (answer, report) = try await work()
            let detail = SpanDetail(
                node: report.candidate?.name, model: report.candidate?.model, reason: report.reason?.description)
            trace.end(.completed, detail, at: clock.now)
            return (answer, report)
        } catch let error as DispatchError {
            trace.end(with: error.failure, at: clock.now)
            throw error
        } catch {
            trace.end(with: error, at: clock.now)
            throw error
        }
    }
}

extension RequestUse {
    init(_ candidate: Candidate, promptTokens: Int = 0) {
        self.init(model: candidate.model, node: candidate.name, promptTokens: promptTokens)
    }
}

extension SpanDetail {
    init(_ decision: RouteDecision) {
        let choice = decision.choices.first
        self.init(
            node: choice?.candidate.name, model: choice?.candidate.model, reason: choice?.reason.description,
            count: decision.choices.count)
    }
}

extension SpanOutcome {
    init(_ outcome: Attempt.Outcome) {
        switch outcome {
        case .succeeded: self = .completed
        case .failed(let failure): self = .init(failure)
        case .abandoned: self = .abandoned
        }
    }
}
