// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithInference
import KithModel
import KithStore

extension NodeServices {
    /// Dispatches as the client's headers wish, and counts the failure if nobody answers.
    func dispatch(_ request: ChatRequest, headers: HTTPFields) async throws -> RoutedAnswer {
        var request = request
        request.mayContinue = try headers.mayContinue()
        request.deadline = try headers.deadline(now: clock.now)
        let pin = try headers.pinnedNode()
        do {
            guard request.streams else { return try await dispatcher.dispatch(request, pin: pin) }
            return try await dispatchApart(request, pin: pin)
        } catch let failure as DispatchFailure {
            switch failure.failure.code {
            case .malformedRequest, .invalidRequest, .modelNotFound, .unsupported: break  // the client's to mend
            case _ where failure.failure.field != nil: break
            default: record(.failed)
            }
            throw failure
        }
    }

    /// Dispatches in a child task. A task keeps the stack that its deepest calls needed until it ends, and those that find
    /// an answer go deep: twenty kilobytes, which would else stay for as long as the stream is open.
    private func dispatchApart(_ request: ChatRequest, pin: NodeName?) async throws -> RoutedAnswer {
        try await withThrowingTaskGroup(of: RoutedAnswer.self) { group in
            group.addTask { try await dispatcher.dispatch(request, pin: pin) }
            guard let answer = try await group.next() else { throw CancellationError() }
            return answer
        }
    }

    /// Embeds as the client's headers wish.
    func embed(_ request: EmbeddingRequest, headers: HTTPFields) async throws -> (EmbeddingAnswer, RouteReport) {
        var request = request
        request.deadline = try headers.deadline(now: clock.now)
        return try await dispatcher.embed(request, pin: try headers.pinnedNode())
    }

    func record(_ outcome: InteractionOutcome) { store.recordOutcome(outcome, at: .now()) }

    /// Every model that this node or a kin in reach offers, each once, this node's first.
    func knownModels() -> [ModelInfo] {
        var seen: Set<ModelID> = []
        return mesh.snapshots()
            .filter { $0.tier == .kin && $0.reachability == .up }
            .flatMap(\.models)
            .filter { seen.insert($0.id).inserted }
    }
}
