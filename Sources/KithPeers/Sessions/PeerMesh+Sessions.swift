// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithMembership
package import KithModel
import KithTransport
import NIOCore
import NIOHTTP1

extension PeerMesh {
    /// Until a kin has a conversation on disk.
    private static let sessionLimit = Duration.seconds(30)

    package func send(_ session: SessionExport, to peer: String) async throws -> SessionDelivery {
        let record = try find(peer)
        let receiver = try described(record.id)
        guard record.tier == .kin else {
            throw ControlFailure(
                .invalid, "\(receiver.name) is kith, somebody else's node: conversations go to your own machines only")
        }
        let body = try JSONBody.encode(SessionParcel(session))
        guard body.count <= SessionParcel.limit else {
            throw ControlFailure(
                .invalid,
                "the conversation is too long to be sent: it has \(body.count) bytes, and at most "
                    + "\(SessionParcel.limit) go")
        }
        do {
            return SessionDelivery(peer: receiver, receipt: try await deliver(body, to: record.id))
        } catch let failure as LinkFailure {
            throw ControlFailure(.unreachable, "\(receiver.name) cannot be reached: \(failure); \(Self.kept)")
        } catch let failure as ChatFailure {
            throw ControlFailure(.unreachable, "\(receiver.name) did not confirm: \(failure.message); \(Self.kept)")
        }
    }

    private static let kept = "the conversation is still here, and can be sent again"

    private func deliver(_ body: [UInt8], to id: NodeID) async throws -> SessionReceipt {
        let link = try await links.link(to: id, at: membership.addresses(of: id))
        let limits = UpstreamLimits(firstByte: Self.sessionLimit, stall: Self.sessionLimit, bodyBytes: 64 << 10)
        let reply = try await link.connection.collect(
            link.request(.POST, PeerWire.sessionsPath, body: ByteBuffer(bytes: body), limits: limits))
        if let refusal = PeerLink.refusal(in: reply) { throw LinkFailure.rejected(refusal) }
        switch reply.status {
        case 200: return try JSONBody.decode(SessionReceipt.self, from: reply.body.readableBytesView)
        case 404: throw ChatFailure(.unsupported, "it takes no conversations; update it")
        default: throw ChatFailure(.engineError, "it answered with status \(reply.status)")
        }
    }
}
