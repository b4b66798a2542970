// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// Never says anything: each request ends at its limit, at once.
final class SilentEngine: ChatEngine {
    private let seen = Mutex<[Duration]>([])

    var limits: [Duration] { seen.withLock { $0 } }
    var kind: EngineKind { .count }
    var capacity: EngineCapacity { EngineCapacity(slots: 1) }

    func models() async throws -> [ModelInfo] { [] }
    func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { .anew }
    func health() async -> EngineHealth { .ready }

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        seen.withLock { $0.append(request.firstTokenLimit) }
        throw ChatError(.timeout, "it said nothing")
    }

    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        throw ChatError(.timeout, "it said nothing")
    }
}
