// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTransport
import KithTrust
import NIOCore

/// Brings a pairing code to the node that made it; the other end is ``PairingRoutes``.
struct PairingCall: Sendable {
    static let limit = Duration.seconds(10)

    let links: PeerLinks
    let code: PairingCode
    let joiner: NodeID
    let introduction: PairingIntroduction

    /// - Returns: Whom the pairing was made with, and where it answered.
    /// - Throws: ``PairingRefusal``; ``LinkFailure``; ``ChatFailure`` when the connection breaks.
    func run(clock: any TimeSource) async throws -> (peer: PairedNode, address: PeerAddress) {
        let race = AddressRace(addresses: code.addresses, clock: clock) { address in
            try await links.open(code.inviter, at: address)
        } discard: { connection in
            connection.close()
        }
        let connection = try await race.run()
        defer { connection.close() }
        var generator = SystemRandomNumberGenerator()
        var attempt = JoinAttempt(code: code, joiner: joiner, introduction: introduction, using: &generator)
        let challenge = try await ask(
            attempt.hello, PeerWire.pairingHelloPath, for: PairingChallenge.self, on: connection)
        // The handshake has proven that this is the code's node: the connection was opened to no other.
        let proof = try attempt.answer(challenge, from: code.inviter).get()
        let acceptance = try await ask(
            proof, PeerWire.pairingProofPath, for: PairingAcceptance.self, on: connection)
        return (try attempt.conclude(acceptance, from: code.inviter).get(), connection.address)
    }

    private func ask<Answer: Decodable>(
        _ message: some Encodable, _ path: String, for type: Answer.Type, on connection: MultiplexedConnection
    ) async throws -> Answer {
        let limits = UpstreamLimits(firstByte: Self.limit, stall: Self.limit, bodyBytes: 64 << 10)
        let reply = try await connection.collect(
            try PeerLink.request(message, path, to: connection, limits: limits))
        let bytes = reply.body.readableBytesView
        if reply.status == 403, let rejection = try? JSONBody.decode(PairingRejection.self, from: bytes) {
            throw rejection.pairing
        }
        if let refusal = PeerLink.refusal(in: reply) { throw LinkFailure.rejected(refusal) }
        guard reply.status == 200, let answer = try? JSONBody.decode(type, from: bytes) else {
            throw PairingRefusal.malformed
        }
        return answer
    }
}
