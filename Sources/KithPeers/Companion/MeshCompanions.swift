// SPDX-License-Identifier: Apache-2.0

package import KithCulture
import KithDialects
import KithInference
import KithMembership
package import KithModel
package import KithTransport
import NIOCore
import NIOHTTP1

/// The peers of a node as company: paired nodes over their encrypted connections, and plain services of the seed over HTTP.
package struct MeshCompanions: CompanionPeers {
    /// For all of one question, as in the seed.
    static let limit = Duration.seconds(12)
    private static let limits = UpstreamLimits(within: limit, bodyBytes: 256 << 10)
    private static let generatePath = "/api/generate"

    private let mesh: PeerMesh
    private let upstream: UpstreamClient

    package init(mesh: PeerMesh, upstream: UpstreamClient) {
        self.mesh = mesh
        self.upstream = upstream
    }

    package func companions() async -> [CompanionPeer] {
        let nodes = mesh.directory.peers().compactMap { entry -> CompanionPeer? in
            guard let id = entry.id, entry.state == .up else { return nil }
            return CompanionPeer(
                key: id.description, name: entry.name.rawValue, tier: entry.tier,
                url: "kith://\(entry.addresses.first ?? entry.name.rawValue)")
        }
        let services = mesh.directory.plainEndpoints().map { endpoint in
            CompanionPeer(
                key: endpoint.address.description, name: "\(endpoint.address.host):\(endpoint.address.port)",
                tier: .kith,
                url: endpoint.address.description + Self.generatePath)
        }
        return nodes + services
    }

    package func ask(_ question: Shareable<PeerQuestion>, of peer: CompanionPeer) async throws -> String {
        if let id = NodeID(peer.key) { return try await ask(question, of: id, named: peer.name) }
        guard let endpoint = mesh.directory.plainEndpoints().first(where: { $0.address.description == peer.key }) else {
            throw PeerTalkError(.absent, "\(peer.name) is no longer in the list of peers")
        }
        return try await ask(question, at: endpoint, named: peer.name)
    }

    // MARK: Nodes

    private func ask(_ question: Shareable<PeerQuestion>, of id: NodeID, named name: String) async throws -> String {
        do {
            let known = mesh.trust.peers().first { $0.id == id }?.addresses ?? []
            let link = try await mesh.links.link(to: id, at: mesh.membership.addresses(of: id) + known)
            let reply = try await link.ask(
                try PeerLink.request(
                    ConverseMessage.Question(question), PeerWire.conversePath, to: link.connection,
                    limits: Self.limits))
            return try Self.response(in: reply, of: name)
        } catch let failure as LinkError {
            throw PeerTalkError(.absent, "\(name): \(failure)")
        } catch let failure as ChatError {
            throw Self.talkFailure(failure, of: name)
        }
    }

    // MARK: Plain services

    private func ask(
        _ question: Shareable<PeerQuestion>, at endpoint: PeerEndpoint, named name: String
    ) async throws -> String {
        let headers: HTTPHeaders = endpoint.key.map { ["Authorization": "Bearer \($0.reveal())"] } ?? [:]
        let request = UpstreamRequest(
            .POST, endpoint.address, path: Self.generatePath, headers: headers,
            body: ByteBuffer(bytes: try JSONBody.encode(ConverseMessage.Question(question))),
            limits: Self.limits)
        do {
            return try Self.response(in: try await upstream.collect(request), of: name)
        } catch let failure as ChatError {
            throw Self.talkFailure(failure, of: name)
        }
    }

    /// - Throws: `PeerTalkError`.
    private static func response(in reply: UpstreamReply, of name: String) throws -> String {
        let body = try? JSONBody.decode(JSONValue.self, from: reply.body.readableBytesView)
        guard reply.status == 200 else {
            let said = (body?["error"]?.stringValue).flatMap { try? SanitizedText($0).text.prefix(200) }
            let detail = said.map { ": \($0)" } ?? ""
            switch reply.status {
            case 429, 503: throw PeerTalkError(.absent, "\(name) has no time now\(detail)")
            case 401, 403:
                throw PeerTalkError(.absent, "\(name) wants a key; put one behind its line in config/peers.txt")
            case 404:
                throw PeerTalkError(.absent, "\(name) has no \(generatePath); is it a synth-mind or a kith node?")
            default: throw PeerTalkError(.junk, "\(name) answered with status \(reply.status)\(detail)")
            }
        }
        guard let body else { throw PeerTalkError(.junk, "\(name) answered with something that is not JSON") }
        guard let response = body["response"]?.stringValue else {
            throw PeerTalkError(.junk, "\(name) answered without a text in \"response\"")
        }
        return response
    }

    private static func talkFailure(_ failure: ChatError, of name: String) -> any Error {
        switch failure.code {
        case .cancelled: CancellationError()
        case .unreachable: PeerTalkError(.absent, "\(name) cannot be reached: \(failure.message)")
        case .timeout, .deadlineExceeded:
            PeerTalkError(.absent, "\(name) did not answer within \(limit.components.seconds) seconds")
        default: PeerTalkError(.junk, "\(name): \(failure.message)")
        }
    }
}

/// What nodes say to each other for company, in the format of the seed's `/api/generate`. Both are made only of what a
/// guard has let through.
enum ConverseMessage {
    struct Question: Codable {
        var prompt: String
        var temperature: Double?
        var max_tokens: Int?

        init(_ question: Shareable<PeerQuestion>) {
            prompt = question.value.prompt
            temperature = question.value.temperature
            max_tokens = question.value.maxTokens
        }

        var meaning: PeerQuestion {
            PeerQuestion(
                prompt: prompt, temperature: temperature ?? CompanionPrompts.openingTemperature,
                maxTokens: max_tokens ?? CompanionPrompts.openingTokens)
        }
    }

    struct Answer: Codable {
        var response: String
        var success = true

        init(_ answer: Shareable<PeerAnswer>) { response = answer.value.response }
    }
}

extension ChatError {
    /// What a peer that gets no answer is told; never what was held back, or why.
    package init(_ refusal: CompanionHost.Refusal) {
        switch refusal {
        case .busy: self.init(.overloaded, "this node is needed by its own user now", retryAfter: .seconds(60))
        case .paused: self.init(.overloaded, "this node has no conversations for now", retryAfter: .seconds(3_600))
        case .tooOften(let wait):
            self.init(.rateLimited, "you have asked enough for now", retryAfter: max(wait, .seconds(1)))
        case .unclear(let why): self.init(.invalidRequest, "the prompt is not understood: \(why)", field: "prompt")
        case .heldBack: self.init(.overloaded, "there is nothing to say to that now", retryAfter: .seconds(60))
        }
    }
}
