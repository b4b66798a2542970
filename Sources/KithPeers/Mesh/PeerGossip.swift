// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithTransport
import NIOCore
import NIOHTTP1

/// Carries gossip packets over the connections between nodes.
struct PeerGossip: GossipTransport {
    let links: PeerLinks
    let clock: any TimeSource
    /// Called with what a node answers instead of gossip.
    let onFailure: @Sendable (NodeID, LinkError) -> Void
    /// Called with how long each answer took, and what the other clock shows where it says so.
    let onAnswer: @Sendable (NodeID, Duration, WallTime?) -> Void

    func exchange(
        _ packet: [UInt8], with id: NodeID, addresses: [PeerAddress], timeout: Duration
    ) async throws(GossipError) -> GossipAnswer {
        let began = clock.now
        do {
            let link = try await links.link(to: id, at: addresses)
            return try await send(packet, over: link, timeout: max(timeout - (clock.now - began), .milliseconds(50)))
        } catch let failure as LinkError {
            onFailure(id, failure)
            throw GossipError(failure)
        } catch {
            throw .unreachable
        }
    }

    private func send(_ packet: [UInt8], over link: PeerLink, timeout: Duration) async throws -> GossipAnswer {
        let limits = UpstreamLimits(silence: timeout, bodyBytes: PeerRoutes.gossipLimit)
        let began = clock.now
        do {
            let reply = try await link.ask(
                link.request(
                    .POST, PeerWire.gossipPath, body: ByteBuffer(bytes: packet), type: PeerWire.gossipType,
                    limits: limits))
            let roundTrip = clock.now - began
            let theirs = reply.headers.first(name: PeerWire.clockHeader).flatMap { Int64($0) }
            onAnswer(link.id, roundTrip, theirs.map { WallTime(milliseconds: $0) })
            return GossipAnswer(
                packet: reply.status == 200 ? [UInt8](buffer: reply.body) : nil, roundTrip: roundTrip)
        } catch let failure as ChatError where failure.code == .timeout {
            links.distrust(link)
            throw LinkError.timeout
        }
    }
}

/// What an answer to a packet of gossip tells besides the packet.
struct GossipTiming: Sendable {
    var id: NodeID
    var roundTrip: Duration
    /// What the other node's clock shows; `nil` where it does not say.
    var clock: WallTime?
}

extension GossipError {
    init(_ failure: LinkError) {
        switch failure {
        case .refused: self = .refused
        case .timeout: self = .timeout
        case .rejected(let refusal): self = .refusedByPeer(reason: refusal.message)
        case .noAddress, .leadsBack, .unreachable, .wrongNode, .incompatible: self = .unreachable
        }
    }
}

extension MembershipService {
    /// The members that take part at the moment.
    var reachable: [NodeID] { snapshot().filter(\.state.isPresent).map(\.id) }
}
