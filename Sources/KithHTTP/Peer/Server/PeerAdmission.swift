// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithModel

typealias PeerRouter = Hummingbird.Router<PeerRequestContext>

/// Who may use a route of the peer port.
enum PeerAdmission: Sendable {
    case kin
    case paired
    case anyone

    func refusal(for standing: PeerStanding) -> PeerRefusal? {
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
    typealias PeerHandler = @Sendable (Request, PeerConnections.Caller) async throws -> Response

    /// Adds a route, and with it who may use it: there is no way to add one without saying so.
    func peer(
        _ path: String, _ method: HTTPRequest.Method, for admission: PeerAdmission, of services: PeerServices,
        _ handler: @escaping PeerHandler
    ) {
        on(RouterPath(path), method: method) { request, context in
            guard let caller = context.connection.flatMap(services.connections.caller(on:)) else {
                throw PeerRefusal(.stranger)
            }
            let standing = services.trust.standing(of: caller.id)
            if let refusal = admission.refusal(for: standing) {
                services.refused(caller, refusal)
                throw refusal
            }
            return try await handler(request, caller)
        }
    }
}
