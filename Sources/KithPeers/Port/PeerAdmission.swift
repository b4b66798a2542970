// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
import KithModel
import KithServer

package typealias PeerRouter = Hummingbird.Router<PeerRequestContext>

/// Who may use a route of the peer port.
package enum PeerAdmission: Sendable {
    case kin
    case paired
    case anyone

    func refusal(of id: NodeID, by services: PeerServices) -> PeerRefusal? {
        if let refusal = refusal(for: services.trust.standing(of: id)) { return refusal }
        // A greeting is always heard: the node may have been updated since the last one.
        guard self == .kin, services.directory.isIncompatible(id) else { return nil }
        return PeerRefusal(.incompatible)
    }

    private func refusal(for standing: PeerStanding) -> PeerRefusal? {
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
            do {
                return try await handler(request, caller)
            } catch let refusal as SurfaceRefusal {
                if case .tooLarge = refusal { services.refusedTooLarge(caller) }
                throw refusal
            }
        }
    }
}
