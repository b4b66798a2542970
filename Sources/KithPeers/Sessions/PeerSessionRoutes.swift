// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithServer

/// Where kin, and nobody else, hand over conversations.
struct PeerSessionRoutes: Sendable {
    let services: PeerServices

    func add(to router: PeerRouter) {
        router.peer(PeerWire.sessionsPath, .post, for: .kin, of: services) { request, _ in
            guard let sessions = services.work.sessions else { throw SurfaceRefusal.notFound }
            let bytes = try await request.jsonBody(upTo: SessionParcel.limit)
            let parcel = try JSONBody.decode(SessionParcel.self, from: bytes)
            return try Response.json(try await sessions.receive(parcel.session))
        }
    }
}
