// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithInference
import KithMembership
import KithModel
import KithServer
import KithTransport
import NIOCore
import NIOHTTP1
import Synchronization

/// The weights of models on the other machines of the owner.
package struct KinWeights: Sendable {
    /// Until a node has said what a model is made of: its engines are asked for that.
    static let askLimit = Duration.seconds(8)
    /// Until one of many has said whether it has a file: whoever is slower is not waited for.
    static let lookLimit = Duration.seconds(3)
    /// Bytes of that answer: some megabyte for the largest file.
    static let offerBytes = 4 << 20
    /// Machines that a file is copied from at once.
    static let holderLimit = 4
    /// Machines that are asked whether they have it.
    static let askedLimit = 16

    let mesh: PeerMesh

    package init(mesh: PeerMesh) { self.mesh = mesh }

    /// - Parameter peer: An id, its first group, or a name.
    /// - Throws: `ControlError` for what is no machine of this owner.
    package func source(_ peer: String) throws -> any WeightsSource {
        let record = try mesh.find(peer)
        guard record.tier == .kin else {
            throw ControlError(.invalid, "\(peer.prefix(80)) is kith, somebody else's node: its models are not yours")
        }
        let name = mesh.directory.peers().first { $0.id == record.id }?.name.rawValue
        return KinSource(weights: self, id: record.id, name: name ?? record.id.short)
    }

    func offer(_ question: WeightsMessage.Question, of id: NodeID, limit: Duration) async throws -> WeightsMessage.Offer
    {
        let link = try await mesh.links.link(to: id, at: mesh.membership.addresses(of: id))
        let reply = try await link.ask(
            link.request(
                .POST, PeerWire.weightsPath, body: ByteBuffer(bytes: try JSONBody.encode(question)),
                type: "application/json", limits: UpstreamLimits(within: limit, bodyBytes: Self.offerBytes)))
        guard reply.status == 200 else { throw KinModels.refusal(reply.status, reply.body) }
        return try JSONBody.decode(WeightsMessage.Offer.self, from: reply.body.readableBytesView)
    }
}

/// One machine that a model is copied from.
private struct KinSource: WeightsSource {
    let weights: KinWeights
    let id: NodeID
    let name: String

    func offer(of model: String) async throws -> WeightsMessage.Offer {
        do {
            return try await weights.offer(.init(name: model), of: id, limit: KinWeights.askLimit)
        } catch let refusal as ModelRefusal {
            throw refusal
        } catch let error as CancellationError {
            throw error
        } catch {
            throw ModelRefusal(.sourceLost, "\(name) cannot be asked: \(KinModels.words(error))")
        }
    }

    func holders(of seal: Seal) async -> [any WeightsHolder] {
        let others = weights.mesh.directory.peers().filter { $0.tier == .kin && $0.state == .up && $0.id != id }
        var holders: [any WeightsHolder] = [KinHolder(mesh: weights.mesh, id: id, name: name)]
        await withTaskGroup(of: KinHolder?.self) { [weights] group in
            for peer in others.prefix(KinWeights.askedLimit) {
                guard let other = peer.id else { continue }
                group.addTask {
                    // One that does not answer, or has it no more, is not asked for pieces.
                    let offer = try? await weights.offer(
                        .init(digest: seal.digest), of: other, limit: KinWeights.lookLimit)
                    guard let part = offer?.parts.first, Seal(part) == seal else { return nil }
                    return KinHolder(mesh: weights.mesh, id: other, name: peer.name.rawValue)
                }
            }
            for await holder in group {
                if let holder, holders.count < KinWeights.holderLimit { holders.append(holder) }
            }
        }
        return holders
    }
}

/// A machine that sends pieces of a file, over a connection of its own: prompts do not wait behind weights.
private final class KinHolder: WeightsHolder {
    /// Between two blocks of a piece, which is slow while the other node answers prompts.
    private static let silence = Duration.seconds(20)

    let name: String
    private let mesh: PeerMesh
    private let id: NodeID
    private let state = Mutex(State())

    private struct State {
        var link: PeerLink?
        var dialing: Task<PeerLink, any Error>?
        var isLeft = false
    }

    init(mesh: PeerMesh, id: NodeID, name: String) {
        self.mesh = mesh
        self.id = id
        self.name = name
    }

    func bring(_ digest: WeightsDigest, piece: Int, take: (ByteBuffer) async throws -> Void) async throws {
        let wanted = WeightsMessage.PieceRequest(digest: digest, piece: piece)
        let response: UpstreamResponse
        do {
            let link = try await link()
            response = try await link.connection.stream(
                link.request(
                    .POST, PeerWire.weightsPiecePath, body: ByteBuffer(bytes: try JSONBody.encode(wanted)),
                    type: "application/json", limits: UpstreamLimits(silence: Self.silence)))
            guard response.status == 200 else {
                throw KinModels.refusal(response.status, try await response.body.collect(upTo: 64 << 10))
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Failure(description: KinModels.words(error))
        }
        var body = response.body.makeAsyncIterator()
        while let bytes = try await Self.next(&body) { try await take(bytes) }
    }

    private static func next(_ body: inout UpstreamBody.AsyncIterator) async throws -> ByteBuffer? {
        do {
            return try await body.next()
        } catch let failure as ChatError {
            throw Failure(description: failure.message)
        }
    }

    func leave() {
        let (link, dialing) = state.withLock { state in
            state.isLeft = true
            return (state.link, state.dialing)
        }
        dialing?.cancel()
        link?.connection.close()
    }

    /// Why a piece did not come.
    private struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// The connection that all pieces share, made anew when it has ended.
    private func link() async throws -> PeerLink {
        let dialing = state.withLock { state -> Result<PeerLink, Pending> in
            if let link = state.link, link.connection.isActive { return .success(link) }
            if let dialing = state.dialing { return .failure(Pending(task: dialing)) }
            // Shared by the pieces that wait for it; it ends within the limit of a connection.
            let dialing = Task { [mesh, id] in
                try await mesh.links.bulkLink(to: id, at: mesh.membership.addresses(of: id))
            }
            state.dialing = dialing
            return .failure(Pending(task: dialing))
        }
        switch dialing {
        case .success(let link): return link
        case .failure(let pending):
            let made = await pending.task.result
            if case .failure(let error) = made {
                state.withLock { if $0.dialing == pending.task { $0.dialing = nil } }
                throw error
            }
            let link = try made.get()
            let isWanted = state.withLock { state in
                if state.dialing == pending.task { state.dialing = nil }
                guard !state.isLeft else { return false }
                state.link = link
                return true
            }
            guard isWanted else {
                link.connection.close()
                throw CancellationError()
            }
            return link
        }
    }

    private struct Pending: Error { var task: Task<PeerLink, any Error> }
}
