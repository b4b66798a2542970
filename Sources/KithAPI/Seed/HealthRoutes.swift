// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithInference
import KithModel
import KithPeers
import KithServer
import KithStore

/// Whether this node lives, and whether a prompt sent to it would be answered.
struct HealthRoutes: Sendable {
    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface("/health", scope: .everyone, [.get: { _, context in try await health(for: context) }])
        router.surface("/health/live", scope: .everyone, [.get: { _, _ in try live() }])
        router.surface("/health/ready", scope: .read, [.get: { _, _ in try ready() }])
    }

    /// Whoever may not see how the node is learns that it lives.
    private func health(for context: NodeRequestContext) async throws -> Response {
        guard context.may(.read) else { return try live() }
        let checks = ["answers": isRoutable, "store": await storeAnswers()]
        let isHealthy = checks.values.allSatisfy { $0 }
        return try .json(
            SeedHealthAnswer(
                status: isHealthy ? "healthy" : "unhealthy", timestamp: WallTime.now().rfc3339,
                version: services.version, checks: checks),
            status: isHealthy ? .ok : .serviceUnavailable)
    }

    private func live() throws -> Response {
        try .json(SeedHealthAnswer(status: "alive", timestamp: WallTime.now().rfc3339))
    }

    private func ready() throws -> Response {
        let isReady = isRoutable
        let reason = isReady ? nil : "no engine here and no kin in reach can answer: \(engineReason)"
        return try .json(
            SeedHealthAnswer(
                status: isReady ? "ready" : "not_ready", timestamp: WallTime.now().rfc3339, reason: reason),
            status: isReady ? .ok : .serviceUnavailable)
    }

    private var engineReason: String {
        let engine = services.engine.status()
        return switch engine.health {
        case .ready: "the engine offers no model"
        case .loading: "the engine is loading its model"
        case .down(let why): engine.kind == nil ? engine.reason : why
        }
    }

    private var isRoutable: Bool {
        services.mesh.snapshots().contains(where: \.mayAnswer)
    }

    private func storeAnswers() async -> Bool {
        do {
            _ = try await services.store.state(at: .now())
            return true
        } catch {
            return false
        }
    }
}
