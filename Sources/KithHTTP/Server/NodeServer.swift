// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
package import KithInference
package import KithModel
package import KithTrust
package import Logging
package import NIOCore

/// The node role's listener.
package enum NodeServer {
    /// - Parameter onListening: Told of the channel when the port is open.
    package static func application(
        services: NodeServices, localEngine: LocalEngine?, address: HTTPAddress,
        tls: SurfaceTLSSource? = nil, limits: ConnectionLimits = ConnectionLimits(), logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) -> Application<RouterResponder<NodeRequestContext>> {
        let router = SurfaceRouter(context: NodeRequestContext.self)
        router.addMiddleware {
            ErrorRendering()
            AccessMiddleware(access: services.access)
        }
        OpenAIRoutes(services: services).add(to: router)
        SeedRoutes(services: services).add(to: router)
        HealthRoutes(services: services).add(to: router)
        StatusRoutes(services: services, address: address).add(to: router)
        KeyRoutes(services: services).add(to: router)
        PeerRoutes(services: services, localEngine: localEngine).add(to: router)
        return Application(
            responder: router.buildResponder(),
            server: HTTPServerBuilder { responder in
                var http1 = NodeChannel(
                    responder: responder, limits: limits, hotRoute: HotRoute(services: services, logger: logger))
                guard let tls else { return http1 }
                http1.isSecure = true
                return SecureNodeChannel(
                    tls: tls, http1: http1, http2: http2(responder: responder, limits: limits), limits: limits)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: logger)),
            onServerRunning: onListening,
            logger: logger)
    }

    private static func http2(
        responder: @escaping HTTPChannelHandler.Responder, limits: ConnectionLimits
    ) -> HTTP2Channel {
        HTTP2Channel(
            responder: responder,
            configuration: HTTP2ChannelConfiguration(
                idleTimeout: limits.idle, gracefulCloseTimeout: limits.handshake,
                streamConfiguration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [
                        ClientWatchHandler(presence: ClientPresence(), bodyLimit: limits.body)
                    ],
                    idleTimeout: TimeAmount(limits.idle))))
    }
}
