// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithCulture
import KithDialects
import KithInference
import KithMembership
import KithModel
import KithServer
import KithSync
import NIOCore

/// What this node does for other nodes: greets them, gossips, answers with its own engine. It never forwards.
struct PeerRoutes: Sendable {
    /// Bytes of a gossip packet.
    static let gossipLimit = 64 << 10
    /// Bytes of what a node says for company.
    static let converseLimit = 64 << 10
    /// Bytes of a wish that another machine be woken.
    static let wakeLimit = 4 << 10
    /// Bytes of a message with operations.
    static let operationsLimit = 4 << 20

    let services: PeerServices

    func add(to router: PeerRouter) {
        router.peer(PeerWire.helloPath, .post, for: .paired, of: services) { try await hello($0, $1) }
        router.peer(PeerWire.gossipPath, .post, for: .kin, of: services) { try await gossip($0, $1) }
        router.peer(PeerWire.operationsPath, .post, for: .kin, of: services) { try await operations($0, $1) }
        router.peer(PeerWire.statePath, .post, for: .kin, of: services) { try await state($0, $1) }
        router.peer(PeerWire.modelsPath, .get, for: .kin, of: services) { _, _ in
            try Response.json(services.directory.ownModels())
        }
        router.peer(PeerWire.hardwarePath, .get, for: .kin, of: services) { _, _ in
            try Response.json(services.waker.ownHardware())
        }
        router.peer(PeerWire.wakePath, .post, for: .kin, of: services) { request, caller in
            let wanted = try await request.decode(PeerWakeRequest.self, upTo: Self.wakeLimit)
            return try Response.json(services.waker.answer(wanted, from: caller.id))
        }
        // Kin are answered by `KinAnswerHandler`; this refuses callers that may not ask.
        router.peer(PeerWire.generatePath, .post, for: .kin, of: services) { _, _ in
            throw ChatError(.malformedRequest, "this is no question of a kith node")
        }
        router.peer(PeerWire.embedPath, .post, for: .kin, of: services) { try await embed($0, $1) }
        router.peer(PeerWire.countPath, .post, for: .kin, of: services) { request, _ in try await count(request) }
        router.peer(PeerWire.passPath, .post, for: .kin, of: services) { request, _ in try await pass(request) }
        router.peer(PeerWire.conversePath, .post, for: .paired, of: services) { try await converse($0, $1) }
        for group in services.work.routes { group.add(to: router, services: services) }
    }

    private func hello(_ request: Request, _ caller: PeerConnections.Caller) async throws -> Response {
        let hello = try await request.decode(PeerHello.self, upTo: 16 << 10)
        services.directory.greeted(caller.id, hello, from: caller.source)
        return try Response.json(services.hello())
    }

    private func gossip(_ request: Request, _ caller: PeerConnections.Caller) async throws -> Response {
        let packet = try await request.body(upTo: Self.gossipLimit)
        let answer: [UInt8]?
        do {
            answer = try services.membership.receive(packet, from: caller.id)
        } catch {
            throw ChatError(.malformedRequest, "this is no gossip packet", cause: error)
        }
        let clock = String(WallTime.now().milliseconds)
        guard let answer else { return Response(status: .noContent, headers: [.kithClock: clock]) }
        return Response(
            status: .ok, headers: [.contentType: PeerWire.gossipType, .kithClock: clock],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer)))
    }

    private func operations(_ request: Request, _ caller: PeerConnections.Caller) async throws -> Response {
        let message = try await request.decode(OperationsMessage.self, upTo: Self.operationsLimit)
        return try Response.json(try await services.trust.exchange(message))
    }

    private func state(_ request: Request, _ caller: PeerConnections.Caller) async throws -> Response {
        guard let state = services.state else { throw ChatError(.unsupported, "this node shares no state") }
        let body = try await request.body(upTo: SyncBudget.byteLimit)
        let question: SyncMessage
        do {
            question = try SyncMessage(decoding: body, members: state.shared.members)
        } catch {
            throw ChatError(.malformedRequest, "what was sent is \(error)", cause: error)
        }
        let answer = try await state.answer(question, from: caller.id)
        return Response(
            status: .ok, headers: [.contentType: PeerWire.stateType],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.encoded())))
    }

    /// The only thing that a friend's node can ask for.
    private func converse(_ request: Request, _ caller: PeerConnections.Caller) async throws -> Response {
        guard let host = services.work.host else { throw ChatError(.unsupported, "this node does not talk") }
        let question = try await request.decode(ConverseMessage.Question.self, upTo: Self.converseLimit).meaning
        let name = services.directory.peers().first { $0.id == caller.id }?.name.rawValue ?? caller.id.short
        do {
            let answer = try await host.answer(question, from: caller.id.description, named: name).answer
            return try Response.json(ConverseMessage.Answer(answer))
        } catch let refusal as CompanionHost.Refusal {
            throw ChatError(refusal)
        }
    }

    private func count(_ request: Request) async throws -> Response {
        let asked = try await request.decode(ChatRequest.self, upTo: services.generateLimit)
        guard let localEngine = services.seat.engine else { throw ChatError(.noEngine, "this node has no engine") }
        let deadline = try request.headers.kinDeadline(now: services.clock.now)
        let tokens = try await localEngine.until(deadline, clock: services.clock).promptTokens(of: asked)
        return try Response.json(PeerCount(tokens: tokens))
    }

    private func embed(_ request: Request, _ caller: PeerConnections.Caller) async throws -> Response {
        var wanted = try await request.decode(EmbeddingRequest.self, upTo: services.generateLimit)
        guard let localEngine = services.seat.engine else { throw ChatError(.noEngine, "this node has no engine") }
        let deadline = try request.headers.kinDeadline(now: services.clock.now)
        wanted.priority = request.headers.kinPriority
        wanted.trace = services.trace(.embeddings, wanted.id, model: wanted.model, request.headers)
        let answer = try await services.tracing(wanted.trace) { [wanted] in
            try await localEngine.until(deadline, clock: services.clock).embed(wanted)
        }
        // Vectors are large: this is the shortest exact form.
        let body = OpenAIEmbeddings.body(answer, encoding: .base64)
        return PlainReply(json: ByteBuffer(bytes: body)).response
    }

    private func pass(_ request: Request) async throws -> Response {
        var wanted = try KinPassage.decode(try await request.body(upTo: services.passLimit))
        guard let localEngine = services.seat.engine else { throw ChatError(.noEngine, "this node has no engine") }
        let deadline = try request.headers.kinDeadline(now: services.clock.now)
        let visit = services.work.presence?.begin()
        wanted.priority = request.headers.kinPriority
        wanted.trace = services.trace(.passThrough, wanted.id, model: wanted.model, request.headers)
        var answer = try await services.tracing(wanted.trace) { [wanted] in
            try await localEngine.until(deadline, clock: services.clock).passThrough(wanted)
        }
        if let visit { answer.body = GuardedBody(answer.body, holding: visit) }
        return Response(passing: answer)
    }
}
