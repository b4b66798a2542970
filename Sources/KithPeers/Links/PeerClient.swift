// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithInference
package import KithModel
import KithServer
import KithTransport
import NIOCore
import NIOHTTP1
import Synchronization

/// Asks a kin for an answer; `PeerRoutes` and `KinAnswerHandler` are the other end.
package struct PeerClient: Answering {
    /// Bytes of an answer in one piece.
    private static let answerLimit = 64 << 20

    private let id: NodeID
    private let addresses: @Sendable () -> [PeerAddress]
    private let links: PeerLinks
    private let clock: any TimeSource
    private let onContact: @Sendable () -> Void

    /// - Parameter onContact: Called for every sign of life: the beginning of any response, and each part of an answer.
    init(
        id: NodeID, addresses: @escaping @Sendable () -> [PeerAddress], links: PeerLinks, clock: any TimeSource,
        onContact: @escaping @Sendable () -> Void
    ) {
        self.id = id
        self.addresses = addresses
        self.links = links
        self.clock = clock
        self.onContact = onContact
    }

    package func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        // The kin keeps talking while its engine does not: silence means that the kin is gone. Not so for an answer in
        // one piece, of which nothing can be sent before it is complete; then membership notices.
        let silence = request.wantsWholeAnswer ? ChatRequest.wholeAnswerLimit : PeerWire.keepAlive * 2
        let link = try await link()
        let response = try await link.connection.stream(
            bounded(
                link.request(
                    .POST, PeerWire.generatePath, body: ByteBuffer(bytes: try KinQuestion.encode(request)),
                    type: PeerWire.questionType, limits: UpstreamLimits(silence: silence)),
                by: request.deadline, request.mark, request.priority))
        onContact()
        guard response.status == 200 else {
            try Self.check(response.status, body: try await response.body.collect(upTo: 64 << 10))
            throw ChatError(.invalidAnswer, "\(link.address) answered with status \(response.status)")
        }
        let type = response.headers.first(name: "content-type") ?? ""
        guard !type.hasPrefix(PeerWire.eventsType) else {
            return .events(
                EngineStream(
                    body: response.body, decoder: PeerAnswerDecoder(request, onContact: onContact),
                    stallLimit: request.stallLimit))
        }
        let body = try await response.body.collect(upTo: Self.answerLimit)
        let time = response.headers.first(name: PeerWire.engineTimeHeader).flatMap(Double.init)
        return .verbatim(
            VerbatimAnswer(
                contentType: type, body: Array(body.readableBytesView), engineTime: Duration(engineMilliseconds: time)))
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        let link = try await link()
        let reply = try await link.connection.collect(
            bounded(
                link.request(
                    .POST, PeerWire.embedPath, body: ByteBuffer(bytes: try JSONBody.encode(request)),
                    limits: UpstreamLimits(firstByte: .seconds(120), bodyBytes: Self.answerLimit)),
                by: request.deadline, request.mark, request.priority))
        onContact()
        try Self.check(reply.status, body: reply.body)
        let (vectors, tokens) = try OpenAIEmbeddings.vectors(in: Array(reply.body.readableBytesView))
        guard vectors.count == request.inputCount else {
            throw ChatError(.invalidAnswer, "the node did not embed every text")
        }
        return EmbeddingAnswer(model: request.model ?? "", vectors: vectors, promptTokens: tokens)
    }

    package func promptTokens(of request: ChatRequest) async throws -> Int? {
        let link = try await link()
        let reply = try await link.connection.collect(
            bounded(
                link.request(
                    .POST, PeerWire.countPath, body: ByteBuffer(bytes: try JSONBody.encode(request)),
                    limits: UpstreamLimits(firstByte: .seconds(10), bodyBytes: 64 << 10)), by: request.deadline,
                request.mark))
        onContact()
        try Self.check(reply.status, body: reply.body)
        return try Self.decode(PeerCount.self, from: reply.body).tokens.map { max(0, $0) }
    }

    package func passThrough(_ request: PassThroughRequest) async throws -> PassThroughAnswer {
        let link = try await link()
        let response = try await link.connection.stream(
            bounded(
                link.request(
                    .POST, PeerWire.passPath, body: ByteBuffer(bytes: try KinPassage.encode(request)),
                    type: PeerWire.passageType,
                    limits: UpstreamLimits(
                        firstByte: PassThroughAnswer.firstByteLimit, stall: PassThroughAnswer.stallLimit)),
                by: request.deadline, request.mark, request.priority))
        onContact()
        guard response.status == 200 else {
            let body = try await response.body.collect(upTo: 64 << 10)
            do {
                try Self.check(response.status, body: body)
            } catch let failure as ChatError where response.status == 404 && failure.code == .malformedRequest {
                // The path is not there.
                throw ChatError(.unsupported, "the node's version of kith does not offer \(request.service.words)")
            }
            throw ChatError(.invalidAnswer, "\(link.address) answered with status \(response.status)")
        }
        let type = response.headers.first(name: "content-type") ?? "application/octet-stream"
        return PassThroughAnswer(contentType: type, body: GuardedBody(response.body))
    }

    /// Tells the kin the time that is left, so that it does not work for a client that has gone, and where in a trace its
    /// work belongs.
    private func bounded(
        _ request: UpstreamRequest, by deadline: MonotonicInstant?, _ mark: RequestMark,
        _ priority: RequestPriority = .interactive
    ) -> UpstreamRequest {
        var request = request
        if priority == .batch { request.headers.add(name: PeerWire.priorityHeader, value: priority.rawValue) }
        if let context = mark.context {
            request.headers.add(name: TraceHeader.parent, value: context.parent)
            if !context.state.isEmpty { request.headers.add(name: TraceHeader.state, value: context.state) }
        }
        if let deadline {
            request.headers.add(name: PeerWire.timeLeftHeader, value: TimeLimit.milliseconds(deadline - clock.now))
        }
        return request
    }

    private func link() async throws -> PeerLink {
        do {
            return try await links.link(to: id, at: addresses())
        } catch let failure as LinkError {
            throw ChatError(.unreachable, "\(failure)", cause: failure)
        }
    }

    private static func check(_ status: Int, body: ByteBuffer) throws {
        switch status {
        case 200: return
        case 403:
            let refusal = try? decode(PeerRefusal.self, from: body)  // without one the status says enough
            throw ChatError(.unauthorized, refusal?.message ?? "the node refuses this node")
        default:
            if case .failure(let failure) = try? decode(PeerWire.Line.self, from: body) { throw failure }
            throw ChatError(.engineError, "the node answered with status \(status)")
        }
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, from body: ByteBuffer) throws -> Value {
        do {
            return try JSONBody.decode(type, from: body.readableBytesView)
        } catch {
            throw ChatError(.invalidAnswer, "the node does not answer as a kith node does", cause: error)
        }
    }
}

/// Reads what a kin sends of an answer: its engine's own events and those of ``PeerWire``.
private struct PeerAnswerDecoder: EngineStreamDecoding {
    private var events: OpenAIEventReader
    private let onContact: @Sendable () -> Void

    init(_ request: ChatRequest, onContact: @escaping @Sendable () -> Void) {
        events = OpenAIEventReader(
            for: request, model: request.model ?? "",
            own: .init(named: PeerWire.eventName) { data in
                switch try PeerWire.Line(data: data) {
                case .event(let event): return event
                case .failure(let failure): throw failure
                }
            })
        self.onContact = onContact
    }

    mutating func feed(_ bytes: ByteBuffer, into found: inout [ChatEvent]) throws {
        onContact()
        try events.feed(bytes.readableBytesView, into: &found)
    }

    mutating func end() throws -> [ChatEvent] { throw EngineStream.cutOff }
}

extension PeerWire.Line {
    fileprivate init(data: [UInt8]) throws {
        do {
            self = try JSONBody.decode(PeerWire.Line.self, from: data)
        } catch {
            throw ChatError(.invalidAnswer, "the node does not answer as a kith node does", cause: error)
        }
    }
}

/// Spares membership a call for every token: a sign of life twice a second is as good.
final class ContactPace: Sendable {
    static let pause = Duration.milliseconds(500)

    private let next = Mutex(MonotonicInstant.zero)

    func isDue(now: MonotonicInstant) -> Bool {
        next.withLock { next in
            guard now >= next else { return false }
            next = now + Self.pause
            return true
        }
    }
}
