// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Hummingbird
package import KithModel
package import KithServer
package import KithTrust
package import Logging
package import NIOCore

/// The discovery role's listener.
package enum RegistryServer {
    /// - Parameters:
    ///   - authorise: Who may register.
    ///   - reading: Who may read; without a rule, every caller that reaches the port.
    ///   - access: Has the keys that admit a page of another origin.
    ///   - gate: Which connections are kept; by default all that there is room for.
    ///   - counts: Whether requests are counted.
    ///   - onListening: Called with the channel when the port is open.
    package static func listener(
        registry: RegistryService, identity: RegistryIdentity, address: HTTPAddress,
        authorise: @escaping RegistryAccess.Rule = RegistryAccess.loopbackOnly,
        reading: @escaping RegistryAccess.Rule = { .allowed(.connected(from: $0.remoteAddress)) },
        access: AccessControl? = nil, tls: SurfaceTLSSource? = nil, limits: ConnectionLimits = ConnectionLimits(),
        gate: ConnectionGate? = nil, counts: Bool = true, logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) -> HTTPListener<RouterResponder<NodeRequestContext>> {
        let gate = gate ?? ConnectionGate(places: limits.connections)
        let router = SurfaceRouter(context: NodeRequestContext.self)
        router.add(middleware: SecuringResponses())
        let metrics = ListenerMetrics(role: "discovery", counts: counts)
        metrics.meter(router)
        router.addMiddleware {
            RequestNaming()
            ErrorRendering.fastAPI
        }
        if let access { router.add(middleware: AccessMiddleware(access: access, gate: gate)) }
        router.addMiddleware {
            OriginMiddleware(access: access)
            Expectations()
        }
        RegistryRoutes(registry: registry, identity: identity, authorise: authorise, reading: reading, metrics: metrics)
            .add(to: router)
        return HTTPListener(
            responder: router.buildResponder(), address: address, limits: limits, errors: .detail, tls: tls,
            gate: gate, logger: logger, onListening: onListening)
    }
}

/// Who a request to the registry comes from, as far as that can be told.
package struct RegistryCaller: Sendable {
    package var head: HTTPRequest
    /// The address of the connection's other end.
    package var remoteAddress: String?
    /// What the request itself says of its way.
    package var source: RequestSource

    package init(head: HTTPRequest, remoteAddress: String?, source: RequestSource? = nil) {
        self.head = head
        self.remoteAddress = remoteAddress
        self.source = source ?? RequestSource(head, over: remoteAddress.flatMap { AddressRange($0) })
    }
}

/// Whether a caller may change the registry, and who owns the entries.
package enum RegistryAccess: Hashable, Sendable {
    case allowed(RegistryOwner)
    /// Why not, and what would help.
    case refused(String)

    package typealias Rule = @Sendable (RegistryCaller) async -> RegistryAccess

    /// Callers on this machine may, others not: what holds before there are keys.
    package static let loopbackOnly: Rule = { caller in
        guard caller.source.mayBeOfThisMachine, caller.source.address?.isLoopback == true else {
            return .refused("registering from another machine needs a key")
        }
        return .allowed(.connected(from: caller.remoteAddress))
    }

    /// A caller that may speak as a peer to this node's other listeners may register here; an entry made with a key
    /// belongs to the key.
    package static func granted(by access: AccessControl, to scopes: Set<Scope> = [.peer]) -> Rule {
        { caller in
            switch access.caller(caller.head, from: caller.source) {
            case .success(.key(let key)) where !key.scopes.isDisjoint(with: scopes):
                .allowed(.principal(key.id))
            case .success(.key):
                .refused("the key has none of the scopes " + scopes.map(\.rawValue).sorted().joined(separator: ", "))
            case .success(.local), .success(.control): .allowed(.connected(from: caller.remoteAddress))
            case .failure(let refusal): .refused(refusal.message)
            }
        }
    }
}
