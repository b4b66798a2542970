// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithModel
import KithServer
import KithTracing

extension PeerServices {
    /// Begins this node's part of the trace of a kin's request.
    func trace(
        _ operation: TracedOperation, _ request: RequestID, model: ModelID?, _ headers: HTTPFields
    ) -> TracePosition {
        let caller = headers.traceContext
        return tracer?.begin(.serve, operation, request: request, model: model, from: caller)
            ?? caller.map { .passing($0) } ?? .untraced
    }

    /// Ends it with what becomes of the work.
    func tracing<Answer>(_ trace: TracePosition, _ work: () async throws -> Answer) async throws -> Answer {
        do {
            let answer = try await work()
            trace.end(at: clock.now)
            return answer
        } catch {
            trace.end(with: error, at: clock.now)
            throw error
        }
    }
}
