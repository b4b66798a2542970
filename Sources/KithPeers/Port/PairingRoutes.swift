// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithServer
import KithTrust

/// All that a stranger can reach: bringing a pairing code.
struct PairingRoutes: Sendable {
    static let bodyLimit = 16 << 10

    let services: PeerServices

    func add(to router: PeerRouter) {
        router.peer(PeerWire.pairingHelloPath, .post, for: .anyone, of: services) { request, caller in
            let hello = try JSONBody.decode(
                PairingHello.self, from: try await request.jsonBody(upTo: Self.bodyLimit))
            return try Response.json(try services.pairing.answer(hello, from: caller))
        }
        router.peer(PeerWire.pairingProofPath, .post, for: .anyone, of: services) { request, caller in
            let proof = try JSONBody.decode(
                PairingProof.self, from: try await request.jsonBody(upTo: Self.bodyLimit))
            return try Response.json(try await services.pairing.answer(proof, from: caller))
        }
    }
}
