// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
import HummingbirdCore
package import KithModel
package import KithServer
package import KithTrust
package import Logging
package import NIOCore

/// The bridge role's listener.
package enum BridgeServer {
    /// - Parameters:
    ///   - bridge: Runs beside the listener.
    ///   - onListening: Told of the channel when the port is open.
    package static func listener(
        bridge: BridgeService, address: HTTPAddress, tls: SurfaceTLSSource? = nil,
        limits: ConnectionLimits = ConnectionLimits(), logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) -> HTTPListener<RouterResponder<NodeRequestContext>> {
        let router = SurfaceRouter(context: NodeRequestContext.self)
        let counts = RequestCounts()
        router.addMiddleware {
            CrossOrigin()
            RequestCounting(counts: counts)
            DetailErrors()
            AccessMiddleware(access: bridge.services.access)
            OriginMiddleware(access: bridge.services.access, allowed: PageOrigin.isAllowed)
            Expectations()
        }
        BridgeRoutes(bridge: bridge, counts: counts).add(to: router)
        return HTTPListener(
            Application(
                responder: router.buildResponder(),
                server: .surface(limits: limits, errors: .detail, tls: tls),
                configuration: ApplicationConfiguration(
                    address: .hostname(address.host, port: address.port),
                    availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: logger)),
                onServerRunning: onListening,
                logger: logger))
    }
}
