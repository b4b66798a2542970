// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
import HummingbirdCore
import KithModel
package import KithServer
package import KithTrust
package import Logging
package import NIOCore

/// The listener to which other nodes speak.
package enum PeerListener {
    /// A connection carries many requests, so that few are needed.
    package static var limits: ConnectionLimits {
        ConnectionLimits(
            connections: 2048, idle: .seconds(120), handshake: .seconds(5), headerBytes: 16 << 10, headerCount: 50)
    }

    /// - Parameter onListening: Told of the channel when the port is open.
    package static func listener(
        services: PeerServices, tls: PeerTLS, host: String, port: Int, limits: ConnectionLimits = limits,
        logger: Logger, onListening: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) -> HTTPListener<RouterResponder<PeerRequestContext>> {
        let router = PeerRouter(context: PeerRequestContext.self)
        router.addMiddleware { PeerErrorRendering() }
        PeerRoutes(services: services).add(to: router)
        PairingRoutes(services: services).add(to: router)
        PeerSessionRoutes(services: services).add(to: router)
        return HTTPListener(
            Application(
                responder: router.buildResponder(),
                server: HTTPServerBuilder { responder in
                    PeerServerChannel(
                        http2: MultiplexedNodeChannel(
                            responder: responder, limits: limits,
                            early: { KinAnswerHandler(services: services, executor: $0, logger: $1) }), tls: tls,
                        connections: services.connections, trust: services.trust, audit: services.audit)
                },
                configuration: ApplicationConfiguration(
                    address: .hostname(host, port: port),
                    availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: logger)),
                onServerRunning: onListening,
                logger: logger))
    }
}
