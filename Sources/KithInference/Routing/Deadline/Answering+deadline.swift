// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension Answering {
    /// The same, held to a deadline: its answers end at that moment with a ``ChatFailure`` of `deadlineExceeded`, and what
    /// makes them is cancelled.
    ///
    /// - Parameter deadline: `nil` for somebody who waits for ever, which costs nothing.
    package func until(_ deadline: Moment?, clock: any TimeSource) -> any Answering {
        guard let deadline else { return self }
        return DeadlineAnswering(base: self, deadline: deadline, clock: clock)
    }
}

private struct DeadlineAnswering: Answering {
    let base: any Answering
    let deadline: Moment
    let clock: any TimeSource

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        let watch = DeadlineWatch(at: deadline, clock: clock)
        switch try await watch.run({ [base] in try await base.answer(request) }) {
        case .verbatim(let answer): return .verbatim(answer)
        case .events(let stream): return .events(EngineStream(stream).until(watch))
        }
    }

    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        try await DeadlineWatch(at: deadline, clock: clock).run { [base] in try await base.embed(request) }
    }
}
