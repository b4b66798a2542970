// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
import HummingbirdCore
package import KithModel
package import KithServer
package import KithTrust
package import Logging
package import NIOCore

/// The discovery role's listener.
package enum RegistryServer {
    /// - Parameters:
    ///   - authorise: Who may register.
    ///   - reading: Who may read; without a rule whoever reaches the port.
    ///   - access: Whose keys let a page of another origin in.
    ///   - onListening: Told of the channel when the port is open.
    package static func listener(
        registry: RegistryService, identity: RegistryIdentity, address: HTTPAddress,
        authorise: @escaping RegistryAccess.Rule = RegistryAccess.loopbackOnly,
        reading: @escaping RegistryAccess.Rule = { .allowed(.connected(from: $0.remoteAddress)) },
        access: AccessControl? = nil, tls: SurfaceTLSSource? = nil, limits: ConnectionLimits = ConnectionLimits(),
        logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) -> HTTPListener<RouterResponder<NodeRequestContext>> {
        let router = SurfaceRouter(context: NodeRequestContext.self)
        let counts = RequestCounts()
        router.addMiddleware {
            RequestCounting(counts: counts)
            DetailErrors()
            OriginMiddleware(access: access)
            Expectations()
        }
        RegistryRoutes(registry: registry, identity: identity, authorise: authorise, reading: reading, counts: counts)
            .add(to: router)
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
