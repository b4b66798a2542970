// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTracing

extension Dispatcher {
    /// Begins the trace of a request that is no prompt.
    func trace(
        _ operation: TracedOperation, _ request: RequestID, path: String?, model: ModelID?, from caller: TracePosition
    ) -> TracePosition {
        tracer?.begin(.request, operation, request: request, path: path, model: model, from: caller.context) ?? caller
    }

    /// Ends the trace with what becomes of the work.
    func tracing<Answer>(
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
