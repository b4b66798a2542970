// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
package import KithModel
package import KithServer
package import KithTrust
package import Logging
package import NIOCore

/// The node role's listener.
package enum NodeServer {
    /// - Parameters:
    ///   - gate: Which connections are kept; by default all that there is room for.
    ///   - greeting: What `GET /` says in place of what the node says of itself.
    ///   - onListening: Called with the channel when the port is open.
    package static func listener(
        services: NodeServices, address: HTTPAddress, tls: SurfaceTLSSource? = nil,
        limits: ConnectionLimits = ConnectionLimits(), gate: ConnectionGate? = nil, greeting: String? = nil,
        logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) -> HTTPListener<ChildTaskResponder<RouterResponder<NodeRequestContext>>> {
        let gate = gate ?? ConnectionGate(places: limits.connections)
        let listening = ListeningAddress(address)
        let router = router(services: services, listening: listening, gate: gate, greeting: greeting)
        let fastPath = FastPath(services: services, gate: gate, logger: logger)
        return HTTPListener(
            responder: ChildTaskResponder(base: router.buildResponder()), address: address, limits: limits,
            errors: .openAI, early: fastPath.handler, tls: tls, gate: gate, logger: logger
        ) { channel in
            listening.opened(port: channel.localAddress?.port)
            await onListening(channel)
        }
    }

    /// All that the listener answers, but for what comes before the framework.
    package static func router(
        services: NodeServices, listening: ListeningAddress, gate: ConnectionGate? = nil, greeting: String? = nil
    ) -> SurfaceRouter {
        let router = SurfaceRouter(context: NodeRequestContext.self)
        router.add(middleware: RequestNaming())
        router.add(middleware: SecuringResponses())
        let origins = services.access.policy.origins
        if !origins.isEmpty { router.add(middleware: CrossOrigin(mayRead: origins.mayRead)) }
        services.metrics.listener.meter(router)
        router.addMiddleware {
            PreflightRefusal()
            ErrorRendering(dialect: ErrorDialect.of)
            AccessMiddleware(access: services.access, gate: gate)
            OriginMiddleware(access: services.access, allowed: origins.names)
            Expectations()
        }
        OpenAIRoutes(services: services).add(to: router)
        ResponsesRoutes(services: services).add(to: router)
        PassThroughRoutes(services: services).add(to: router)
        AnthropicRoutes(services: services).add(to: router)
        OllamaRoutes(services: services).add(to: router)
        SeedRoutes(services: services).add(to: router)
        HealthRoutes(services: services).add(to: router)
        StatusRoutes(services: services, listening: listening, ownGreeting: greeting).add(to: router)
        if greeting == nil {
            PageRoutes().add(to: router)
            PageSessionRoutes(services: services).add(to: router)
        }
        NodeMetricsRoutes(services: services).add(to: router)
        ControlRoutes(control: services.control, qrCode: services.tools.qrCode).add(to: router)
        KeyRoutes(services: services).add(to: router)
        AuditRoutes(services: services).add(to: router)
        UsageRoutes(services: services).add(to: router)
        HealthReports(services: services).add(to: router)
        ContextRoutes(services: services).add(to: router)
        LevelRoutes(services: services).add(to: router)
        SyncRoutes(services: services).add(to: router)
        EventRoutes(services: services).add(to: router)
        SessionRoutes(services: services).add(to: router)
        ConversationRoutes(services: services).add(to: router)
        RoutingRoutes(services: services).add(to: router)
        DrainRoutes(services: services).add(to: router)
        if let observation = services.observation {
            TraceRoutes(services: services, observation: observation).add(to: router)
            LogRoutes(services: services, observation: observation).add(to: router)
        }
        if let models = services.models {
            ModelRoutes(services: services, models: models).add(to: router)
            PlaceRoutes(services: services, models: models).add(to: router)
        }
        if let board = services.alerts { AlertRoutes(services: services, board: board).add(to: router) }
        if let company = services.company {
            CompanionRoutes(services: services, company: company).add(to: router)
            CultureRoutes(services: services, company: company).add(to: router)
        }
        return router
    }
}
