// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithInference
import KithModel
import KithPeers
import KithServer
import KithStore

extension NodeServices {
    /// Dispatches as the client's headers wish, and counts the failure if nobody answers.
    func dispatch(_ request: ChatRequest, headers: HTTPFields) async throws -> RoutedAnswer {
        var request = request
        request.mayContinue = try headers.mayContinue()
        request.deadline = try headers.deadline(now: clock.now)
        let pin = try headers.pinnedNode()
        do {
            return try await dispatcher.dispatch(request, pin: pin)
        } catch let failure as DispatchFailure {
            switch failure.failure.code {
            // The client's to mend.
            case .malformedRequest, .invalidRequest, .modelNotFound, .nodeNotFound, .unsupported: break
            case _ where failure.failure.field != nil: break
            default: record(.failed)
            }
            throw failure
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
