// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
import HummingbirdCore
package import KithCulture
package import KithInference
package import KithMembership
package import KithModel
package import KithServer
package import KithTracing
package import KithTrust
package import Logging
package import NIOCore

/// The listener for other nodes.
package enum PeerListener {
    /// A connection carries many requests, so that few are needed.
    package static var limits: ConnectionLimits {
        ConnectionLimits(
            connections: 2048, idle: .seconds(120), handshake: .seconds(5), headerBytes: 16 << 10, headerCount: 50)
    }

    /// - Parameters:
    ///   - gate: Which connections are kept; by default all that there is room for.
    ///   - onListening: Called with the channel when the port is open.
    package static func listener(
        services: PeerServices, tls: PeerTLS, host: String, port: Int, limits: ConnectionLimits = limits,
        gate: ConnectionGate? = nil, logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) -> HTTPListener<RouterResponder<PeerRequestContext>> {
        let gate = gate ?? ConnectionGate(places: limits.connections)
        let router = PeerRouter(context: PeerRequestContext.self)
        router.addMiddleware { ErrorRendering.peer }
        PeerRoutes(services: services).add(to: router)
        PairingRoutes(services: services).add(to: router)
        PeerSessionRoutes(services: services).add(to: router)
        return HTTPListener(
            responder: router.buildResponder(),
            server: HTTPServerBuilder { responder in
                AdmittedChannel(
                    PeerServerChannel(
                        http2: MultiplexedNodeChannel(
                            responder: responder, limits: limits,
                            early: { KinAnswerHandler(services: services, executor: $0, logger: $1) }), tls: tls,
                        connections: services.connections, trust: services.trust, audit: services.audit, gate: gate),
                    by: gate)
            },
            host: host, port: port, connections: gate.ceiling, logger: logger, onListening: onListening)
    }
}

/// What the routes of the peer port work with.
package struct PeerServices: Sendable {
    package var connections: PeerConnections
    package let shares = PeerShares()
    package var trust: TrustStore
    package var membership: MembershipService
    package var directory: PeerDirectory
    package var pairing: PairingService
    let waker: Waker
    package var seat: EngineSeat
    package var work: PeerWork
    /// `nil` for a node that shares no state.
    var state: StateSync?
    /// Records what is done for kin; `nil` records nothing.
    package var tracer: NodeTracer?
    package var clock: any TimeSource
    package var audit: any AuditTrail
    /// Bytes of a request for an answer.
    package var generateLimit: Int
    /// Bytes of a request that is passed through.
    package var passLimit: Int
    /// What this node says of itself.
    package var hello: @Sendable () -> PeerHello
    let rates = PeerRates()

    init(
        connections: PeerConnections, trust: TrustStore, membership: MembershipService, directory: PeerDirectory,
        pairing: PairingService, waker: Waker, seat: EngineSeat, work: PeerWork, state: StateSync?,
        tracer: NodeTracer?, clock: any TimeSource, audit: any AuditTrail, generateLimit: Int, passLimit: Int,
        hello: @escaping @Sendable () -> PeerHello
    ) {
        self.connections = connections
        self.trust = trust
        self.membership = membership
        self.directory = directory
        self.pairing = pairing
        self.waker = waker
        self.seat = seat
        self.work = work
        self.state = state
        self.tracer = tracer
        self.clock = clock
        self.audit = audit
        self.generateLimit = generateLimit
        self.passLimit = passLimit
        self.hello = hello
    }

    /// Records a refusal, and notices a copy of this node.
    func refused(_ caller: PeerConnections.Caller, _ refusal: PeerRefusal) {
        if refusal.refused == .sameIdentity { return directory.sawCopy(at: caller.source) }
        audit.record(
            .peerRefused, subject: caller.id.description, source: caller.source, reason: refusal.refused.rawValue)
    }

    func refusedTooLarge(_ caller: PeerConnections.Caller) {
        audit.record(.peerRefused, subject: caller.id.description, source: caller.source, reason: "too large")
    }
}

/// Routes of the peer port that belong together.
package protocol PeerRouteGroup: Sendable {
    func add(to router: PeerRouter, services: PeerServices)
}

/// What this node does for other nodes besides answering prompts.
package struct PeerWork: Sendable {
    /// Routes of the node's other roles.
    package var routes: [any PeerRouteGroup]

    /// Takes over conversations; `nil` where none are kept.
    package var sessions: (any SessionReceiving)?

    /// Talks with peers, including friends' nodes.
    package var host: CompanionHost?

    /// Notified when a kin's user is served.
    package var presence: (any UserPresence)?

    package init(
        routes: [any PeerRouteGroup] = [], sessions: (any SessionReceiving)? = nil, host: CompanionHost? = nil,
        presence: (any UserPresence)? = nil
    ) {
        self.routes = routes
        self.sessions = sessions
        self.host = host
        self.presence = presence
    }
}
