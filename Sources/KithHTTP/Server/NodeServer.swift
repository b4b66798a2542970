// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
import HummingbirdCore
package import KithModel
package import Logging
package import NIOCore

/// The node role's listener.
package enum NodeServer {
    /// - Parameter onListening: Told of the channel when the port is open.
    package static func application(
        services: NodeServices, address: HTTPAddress,
        limits: ConnectionLimits = ConnectionLimits(),
        logger: Logger, onListening: @escaping @Sendable (any Channel) async -> Void
    ) -> Application<RouterResponder<NodeRequestContext>> {
        let router = SurfaceRouter(context: NodeRequestContext.self)
        router.addMiddleware { ErrorRendering() }
        OpenAIRoutes(services: services).add(to: router)
        SeedRoutes(services: services).add(to: router)
        HealthRoutes(services: services).add(to: router)
        StatusRoutes(services: services, address: address).add(to: router)
        if let control = services.control { ControlRoutes(control: control).add(to: router) }
        return Application(
            responder: router.buildResponder(),
            server: HTTPServerBuilder {
                NodeChannel(responder: $0, limits: limits, hotRoute: HotRoute(services: services, logger: logger))
            },
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: logger)),
            onServerRunning: onListening,
            logger: logger)
    }
}
