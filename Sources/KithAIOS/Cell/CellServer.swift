// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
import HummingbirdCore
package import KithModel
package import KithServer
package import KithTrust
package import Logging
package import NIOCore

/// The cell role's listener.
package enum CellServer {
    /// - Parameters:
    ///   - registry: Where other cells that come by are written down; without it they are only answered.
    ///   - onListening: Told of the channel when the port is open.
    package static func listener(
        cell: CellService, registry: RegistryService? = nil, access: AccessControl, address: HTTPAddress,
        clock: any TimeSource, bodyLimit: Int = 1 << 20, tls: SurfaceTLSSource? = nil,
        limits: ConnectionLimits = ConnectionLimits(), logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) -> HTTPListener<RouterResponder<NodeRequestContext>> {
        let router = SurfaceRouter(context: NodeRequestContext.self)
        let counts = RequestCounts()
        router.addMiddleware {
            RequestCounting(counts: counts)
            DetailErrors()
            AccessMiddleware(access: access)
            OriginMiddleware(access: access)
            Expectations()
        }
        CellRoutes(cell: cell, registry: registry, bodyLimit: bodyLimit).add(to: router)
        CellMetricsRoutes(cell: cell, counts: counts, clock: clock, startedAt: clock.now).add(to: router)
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
