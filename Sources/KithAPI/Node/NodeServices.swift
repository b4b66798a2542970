// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import KithInference
package import KithModel
package import KithPeers
package import KithServer
package import KithStore

/// What the routes of a node work with.
package struct NodeServices: Sendable {
    package var name: NodeName
    package var version: String
    package var dispatcher: Dispatcher
    package var mesh: PeerDirectory
    package var engine: any EngineStatusSource
    package var store: Store
    package var clock: any TimeSource
    package var limits: SurfaceLimits
    /// This node's declared level, which may change.
    package var level: @Sendable () -> Double
    package var access: AccessControl
    package var control: any MeshControl
    package var state: any SharedState
    package var events: EventHub
    /// How the node is.
    package var vitals: NodeVitalsCollector
    package var metrics: NodeMetrics
    package var startedAt: MonotonicInstant
    package let bridge = BridgeReport()
    package let pauses: Pauses
    /// Answers that are being made in conversations that this node keeps.
    package let running = RunningAnswers()
    /// Answers that are being streamed to clients.
    package let answers = OpenAnswers()
    /// `nil` for a node that keeps none.
    package var company: CompanionFeature?
    package var tools: NodeTools
    /// `nil` for a node that lets nobody look.
    package var observation: Observation?
    /// `nil` for a node whose models nobody changes.
    package var models: ModelFeature?
    /// `nil` for a node that judges nothing.
    package var alerts: (any AlertBoard)?

    package init(
        name: NodeName, version: String, dispatcher: Dispatcher, mesh: PeerDirectory, engine: any EngineStatusSource,
        store: Store, clock: any TimeSource, limits: SurfaceLimits,
        level: @escaping @Sendable () -> Double, access: AccessControl, control: any MeshControl,
        state: any SharedState, events: EventHub, vitals: NodeVitalsCollector,
        metrics: NodeMetrics, company: CompanionFeature? = nil, tools: NodeTools = NodeTools(),
        observation: Observation? = nil
    ) {
        self.tools = tools
        self.name = name
        self.version = version
        self.dispatcher = dispatcher
        self.mesh = mesh
        self.engine = engine
        self.store = store
        self.clock = clock
        self.limits = limits
        self.level = level
        self.control = control
        self.state = state
        self.events = events
        self.vitals = vitals
        self.metrics = metrics
        self.access = access
        self.company = company
        self.observation = observation
        startedAt = clock.now
        pauses = Pauses(mesh: mesh, clock: clock)
    }
}

/// How much a client may send, and get.
package struct SurfaceLimits: Sendable {
    /// Bytes of a body on the seeds' routes.
    package var seedBody: Int
    /// Bytes of a body on the routes of OpenAI's and Anthropic's dialects, where images and long documents come in.
    package var openAIBody: Int
    /// Bytes of a body with sound or pictures.
    package var uploadBody: Int
    /// Tokens of a chat answer whose length the client did not limit.
    package var defaultMaxTokens: Int
    /// How long a client with an open stream hears nothing.
    package var heartbeat: Duration

    package init(
        seedBody: Int = 1 << 20, openAIBody: Int = 4 << 20, uploadBody: Int = 32 << 20,
        defaultMaxTokens: Int = 2048, heartbeat: Duration = .seconds(5)
    ) {
        self.seedBody = seedBody
        self.openAIBody = openAIBody
        self.uploadBody = uploadBody
        self.defaultMaxTokens = defaultMaxTokens
        self.heartbeat = heartbeat
    }
}

extension NodeServices {
    /// Dispatches as the client's headers wish and its key allows, and counts the failure if no node answers.
    ///
    /// - Parameters:
    ///   - caller: Who asks: on whose account it goes.
    ///   - path: That the client asked.
    func dispatch(
        _ request: ChatRequest, by caller: Principal, headers: HTTPFields, path: String
    ) async throws -> RoutedAnswer {
        var request = request
        request.path = path
        guard !headers.isEmpty else {
            try take(&request, by: caller)
            return try await dispatch(request, pin: nil)
        }
        if let id = headers.requestID { (request.id, request.isNamed) = (id, true) }
        request.trace = Self.position(headers)
        request.mayContinue = try headers.mayContinue()
        request.deadline = try headers.deadline(now: clock.now)
        request.conversation = request.conversation ?? headers.conversation
        let pin = try headers.pinnedNode()
        try take(&request, by: caller, wish: try headers.priority())
        return try await dispatch(request, pin: pin)
    }

    /// Dispatches a request that a caller may make, and counts the failure if no node answers.
    func dispatch(_ request: ChatRequest, pin: NodeName?) async throws -> RoutedAnswer {
        do {
            return try await dispatcher.dispatch(request, pin: pin)
        } catch let failure as DispatchError {
            switch failure.failure.code {
            // The client's fault.
            case .malformedRequest, .invalidRequest, .modelNotFound, .nodeNotFound, .unsupported: break
            case _ where failure.failure.field != nil: break
            default: record(.failed)
            }
            throw failure
        }
    }

    /// Embeds as the client's headers wish.
    func embed(
        _ request: EmbeddingRequest, by caller: Principal, headers: HTTPFields, path: String
    ) async throws -> (EmbeddingAnswer, RouteReport) {
        var request = request
        request.allowedModels = try models(for: request.model, of: caller)
        let grant = try access.limits.grant(
            caller, tokens: request.inputs.reduce(0) { $0 + $1.utf8.count / 4 }, wish: try headers.priority())
        (request.claim, request.priority) = (grant.claim, grant.priority)
        request.id = headers.requestID ?? request.id
        request.trace = Self.position(headers)
        request.path = path
        request.deadline = try headers.deadline(now: clock.now)
        return try await dispatcher.embed(request, pin: try headers.pinnedNode())
    }

    /// Passes a request through as the client's headers wish.
    func passThrough(
        _ request: PassThroughRequest, by caller: Principal, headers: HTTPFields, path: String
    ) async throws -> (PassThroughAnswer, RouteReport) {
        var request = request
        request.allowedModels = try models(for: request.model, of: caller)
        let grant = try access.limits.grant(caller, wish: try headers.priority())
        (request.claim, request.priority) = (grant.claim, grant.priority)
        request.id = headers.requestID ?? request.id
        request.trace = Self.position(headers)
        request.path = path
        request.deadline = try headers.deadline(now: clock.now)
        return try await dispatcher.passThrough(request, pin: try headers.pinnedNode())
    }

    /// Puts a request on its caller's account, within what the caller's key allows.
    ///
    /// - Throws: ``LimitRefusal``.
    func take(_ request: inout ChatRequest, by caller: Principal, wish: RequestPriority? = nil) throws {
        request.allowedModels = try models(for: request.model, of: caller)
        request.take(try access.limits.grant(caller, tokens: mostTokens(of: request), wish: wish))
    }

    /// What a request may use at most, about.
    private func mostTokens(of request: ChatRequest) -> Int {
        let (answers, isTooMuch) = max(0, request.sampling.maxTokens ?? limits.defaultMaxTokens)
            .multipliedReportingOverflow(by: max(1, request.sampling.choices ?? 1))
        return UsageCount.sum(request.estimatedPromptTokens, isTooMuch ? .max : answers)
    }

    /// The only models that may answer a caller; empty for all.
    ///
    /// - Throws: ``LimitRefusal`` for a model that the caller's key does not name.
    func models(for asked: ModelID?, of caller: Principal) throws(LimitRefusal) -> [ModelID] {
        let allowed = caller.limits.models
        guard let models = dispatcher.aliases.models(for: asked, among: allowed) else {
            throw .modelNotAllowed(asked ?? ModelAliases.automatic, allowed: allowed)
        }
        return models
    }

    /// The trace that the client is in; `untraced` when it says none.
    private static func position(_ headers: HTTPFields) -> TracePosition {
        headers.traceContext.map { .passing($0) } ?? .untraced
    }

    func record(_ outcome: InteractionOutcome) { store.recordOutcome(outcome, at: .now()) }

    /// Every model that this node or a kin in reach offers, each once, this node's first.
    func knownModels() -> [ModelInfo] { Self.models(of: mesh.snapshots().filter { $0.reachability == .up }) }

    /// Those that only machines have that sleep, and that a prompt wakes.
    var modelsAsleep: Set<ModelID> {
        let known = Set(knownModels().map(\.id))
        return Set(sleepingModels().map(\.id)).subtracting(known)
    }

    private func sleepingModels() -> [ModelInfo] {
        Self.models(of: mesh.snapshots().filter { $0.reachability == .asleep && mesh.mayBeWoken($0.id) })
    }

    private static func models(of nodes: [NodeSnapshot]) -> [ModelInfo] {
        var seen: Set<ModelID> = []
        return nodes.filter { $0.tier == .kin }.flatMap(\.models).filter { seen.insert($0.id).inserted }
    }

    /// The models that are offered to a caller, those of machines that a prompt wakes, and after them the aliases, so that programs let people choose those too.
    func listedModels(for caller: Principal) -> [ModelInfo] {
        let awake = knownModels()
        let present = Set(awake.map(\.id))
        let offered = awake + sleepingModels().filter { !present.contains($0.id) }
        let names = Set(offered.map(\.id))
        let listed = offered + dispatcher.aliases.names.filter { !names.contains($0) }.map { ModelInfo(id: $0) }
        let allowed = caller.limits.models
        if allowed.isEmpty { return listed }
        return listed.filter { model in
            model.id == ModelAliases.automatic || allowed.contains { model.id.isMeant(by: $0) }
        }
    }
}
