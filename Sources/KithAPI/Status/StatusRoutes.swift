// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithPage
import KithPeers
import KithServer
import KithStore
import NIOCore

/// What `kith status` and `kith peers` show, the API's description, and at `/` the page for browsers and a greeting for
/// everybody else.
struct StatusRoutes: Sendable {
    let services: NodeServices
    let listening: ListeningAddress
    /// In place of what the node says of itself.
    let ownGreeting: String?

    private var address: HTTPAddress { listening.value }

    func add(to router: SurfaceRouter) {
        router.surface("/api/status", scope: .read, [.get: { _, _ in try await status() }])
        router.surface(
            "/openapi.yaml", scope: .read,
            [.get: { _, _ in text(EmbeddedText.openapi, type: "application/yaml") }])
        router.surface("/", scope: .everyone, [.get: { request, context in try root(request, context) }])
    }

    private func root(_ request: Request, _ context: NodeRequestContext) throws -> Response {
        if ownGreeting == nil, let page = PageRoutes.index(for: request) { return page }
        try context.require(.read)
        var words = ownGreeting ?? greeting
        if ownGreeting == nil, Page.index == nil, PageRoutes.wantsPage(request) { words += "\n\(Page.absence)\n" }
        var response = text(words, type: "text/plain; charset=utf-8")
        response.headers[.vary] = "Accept"
        return response
    }

    private func status() async throws -> Response {
        let state = try await services.store.state(at: .now())
        var status = services.status(address: address.description)
        (status.sessions, status.turnCount, status.valence) = (state.sessions, state.turnCount, state.valence)
        return try .json(status)
    }

    private var greeting: String {
        """
        kith \(services.version), node \(services.name)

        POST /v1/chat/completions  OpenAI's API; base URL \(address)/v1
        POST /v1/messages          Anthropic's API; base URL \(address)
        POST /api/chat             Ollama's API; base URL \(address)
        POST /api/generate         the synth-mind peer API, and Ollama's
        GET  /api/status           this node, its engine and its peers
        GET  /openapi.yaml         all of it

        """
    }

    private func text(_ text: String, type: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: type, .contentLength: String(text.utf8.count)],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

extension NodeStatus.Engine {
    init(_ status: EngineStatus) {
        let (state, reason): (String, String) =
            switch status.health {
            case .ready: ("ready", status.reason)
            case .loading: ("loading", status.reason)
            case .down(let why): (status.kind == nil ? "none" : "down", status.kind == nil ? status.reason : why)
            }
        self.init(
            kind: status.kind?.rawValue, state: state, reason: reason, models: status.models.map(\.id.rawValue),
            slots: status.slots, active: status.active, queued: status.queued)
    }
}

extension NodeStatus.Peer {
    init(_ entry: PeerView, now: MonotonicInstant) {
        self.init(
            id: entry.id?.description, name: entry.name.rawValue, address: entry.addresses.first ?? "",
            addresses: entry.addresses, tier: entry.tier.rawValue,
            state: entry.isCloned ? "cloned" : entry.state.word, level: entry.load?.level,
            versions: entry.state.versions, models: entry.models.map(\.id.rawValue),
            active: entry.load?.outstanding ?? 0, slots: entry.load?.slots ?? 0,
            latencyMilliseconds: entry.latency.map { $0.milliseconds.rounded(toPlaces: 2) },
            lastSeenSeconds: entry.lastHeard.map { (now - $0).seconds.rounded(toPlaces: 1) },
            reason: entry.isCloned ? "two nodes use this identity; run kith rekey on the copy" : entry.state.reason,
            draining: entry.load?.isDraining, clientAddress: entry.load?.clientAddress,
            machine: entry.load?.machine.map(MachineMessage.init))
    }
}

extension Double {
    func rounded(toPlaces places: Int) -> Double {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        return (self * scale).rounded() / scale
    }
}

/// Whether this node lives, and whether a prompt sent to it would be answered.
struct HealthRoutes: Sendable {
    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface("/health", scope: .everyone, [.get: { _, context in try await health(for: context) }])
        router.surface("/health/live", scope: .everyone, [.get: { _, _ in try live() }])
        router.surface("/health/ready", scope: .read, [.get: { _, _ in try ready() }])
    }

    /// A caller that may not see how the node is learns only that it lives.
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
