// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
import KithInference
import KithModel
import KithServer
import NIOCore

package typealias PeerRouter = Hummingbird.Router<PeerRequestContext>

/// Who may use a route of the peer port.
package enum PeerAdmission: Sendable {
    case kin
    case paired
    case anyone

    func refusal(of id: NodeID, by services: PeerServices) -> PeerRefusal? {
        if let refusal = refusal(for: services.trust.standing(of: id)) { return refusal }
        // A greeting is always accepted: the node may have been updated since the last one.
        guard self == .kin, services.directory.isIncompatible(id) else { return nil }
        return PeerRefusal(.incompatible)
    }

    private func refusal(for standing: PeerRelation) -> PeerRefusal? {
        switch (self, standing) {
        case (_, .own): PeerRefusal(.sameIdentity)
        case (.anyone, _), (.kin, .kin), (.paired, .kin), (.paired, .kith): nil
        case (.kin, .kith): PeerRefusal(.kinOnly)
        case (_, .forgotten): PeerRefusal(.forgotten)
        case (_, .stranger): PeerRefusal(.stranger)
        }
    }
}

extension PeerRouter {
    package typealias PeerHandler = @Sendable (Request, PeerConnections.Caller) async throws -> Response

    /// Adds a route, and with it who may use it: there is no way to add one without saying so.
    package func peer(
        _ path: String, _ method: HTTPRequest.Method, for admission: PeerAdmission, of services: PeerServices,
        _ handler: @escaping PeerHandler
    ) {
        on(RouterPath(path), method: method) { request, context in
            guard let caller = context.connection.flatMap(services.connections.caller(on:)) else {
                throw PeerRefusal(.stranger)
            }
            if let refusal = admission.refusal(of: caller.id, by: services) {
                services.refused(caller, refusal)
                throw refusal
            }
            if services.trust.standing(of: caller.id) == .kith,
                let wait = services.rates.wait(for: caller.id, now: services.clock.now)
            {
                throw ChatError(.rateLimited, "this node has asked too often", retryAfter: wait)
            }
            guard let turn = services.shares.begin(path, by: caller.id) else {
                throw ChatError(.overloaded, "as many requests of yours as may be are under way here")
            }
            do {
                return try await handler(request, caller).holding(turn)
            } catch let refusal as SurfaceRefusal {
                if case .tooLarge = refusal { services.refusedTooLarge(caller) }
                throw refusal
            }
        }
    }
}

extension Response {
    /// The same, with something that lasts until it is sent.
    fileprivate func holding(_ turn: PeerShares.Turn) -> Response {
        var response = self
        let body = response.body
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            try await body.write(writer)
            withExtendedLifetime(turn) {}
        }
        return response
    }
}

/// The context of a request on the peer port.
package struct PeerRequestContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The connection, whose stream the request came on.
    let connection: (any Channel)?

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        connection = source.channel.parent
    }
}

/// Why a node does not do what another asks of it on the peer port; the body of a 403 is `{"refused": …, "message": …}`.
package struct PeerRefusal: Error, Codable, Hashable, Sendable {
    package enum Reason: String, Codable, Sendable {
        /// Never paired; may only pair.
        case stranger
        /// Was paired once and has been forgotten.
        case forgotten
        /// Paired as kith, and this is for kin.
        case kinOnly = "kin_only"
        /// Speaks no version of the protocol that this node speaks.
        case incompatible
        /// Uses this very node's identity: a copy of its data folder.
        case sameIdentity = "same_identity"
    }

    package var refused: Reason
    package var message: String

    package init(_ refused: Reason, _ message: String) {
        self.refused = refused
        self.message = message
    }

    package init(_ refused: Reason) { self.init(refused, Self.words(for: refused)) }

    private static func words(for reason: Reason) -> String {
        switch reason {
        case .stranger: "that node is not paired with this one; pair them with kith invite and kith join"
        case .forgotten: "its owner forgot this node: pair again, or kith forget it here too"
        case .kinOnly: "only kin may ask this"
        case .incompatible: "no common version of the protocol"
        case .sameIdentity: "both use the same identity; run kith rekey on the copy"
        }
    }
}

extension ErrorDialect {
    /// As ``PeerLink`` understands it.
    static let peer = ErrorDialect {
        try PlainReply(PeerWire.Line.failure($0.asFailure), status: $0.status, headers: $0.headers)
    }
}

extension ErrorRendering<PeerRequestContext> {
    /// Turns everything that is thrown on the peer port into an answer that ``PeerLink`` understands.
    static var peer: Self {
        Self(dialect: { _ in .peer }) { error in
            switch error {
            case let refusal as PeerRefusal: try Response.json(refusal, status: .forbidden)
            case let refusal as PairingRefusalMessage: try Response.json(refusal, status: .forbidden)
            default: nil
            }
        }
    }
}
