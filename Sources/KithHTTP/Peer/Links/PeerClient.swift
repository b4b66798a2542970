// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
import KithTransport
import NIOCore
import NIOHTTP1

/// Asks a kin; the other end is ``PeerRoutes``.
package struct PeerClient: Answering {
    private let id: NodeID
    private let addresses: @Sendable () -> [PeerAddress]
    private let links: PeerLinks
    private let clock: any TimeSource
    private let onContact: @Sendable () -> Void

    /// - Parameter onContact: Told of every sign of life in the middle of an answer.
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
        // The kin keeps talking while its engine does not: silence means that the kin is gone.
        let silence = PeerWire.keepAlive * 2
        let limits = UpstreamLimits(firstByte: silence, stall: silence)
        var request = request
        // As events, so that another node can go on with it; what events cannot carry is asked for as it came.
        if request.mayContinue, request.extensions.isEmpty { request.verbatim = nil }
        let link = try await link()
        let response = try await link.connection.stream(
            bounded(
                link.request(
                    .POST, PeerWire.generatePath, body: ByteBuffer(bytes: try JSONBody.encode(request)),
                    limits: limits), by: request.deadline))
        guard response.status == 200 else {
            try Self.check(response.status, body: try await response.body.collect(upTo: 64 << 10))
            throw ChatFailure(.invalidAnswer, "\(link.address) answered with status \(response.status)")
        }
        let lines = PeerAnswerLines(body: response.body, stallLimit: request.stallLimit, onContact: onContact)
        guard request.verbatim != nil else { return .events(lines.events()) }
        return try await lines.whole()
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        let link = try await link()
        let reply = try await link.connection.collect(
            bounded(
                link.request(
                    .POST, PeerWire.embedPath, body: ByteBuffer(bytes: try JSONBody.encode(request)),
                    limits: UpstreamLimits(firstByte: .seconds(60))), by: request.deadline))
        try Self.check(reply.status, body: reply.body)
        return try Self.decode(EmbeddingAnswer.self, from: reply.body)
    }

    /// Tells the kin the time that is left, so that it does not work for one who has gone.
    private func bounded(_ request: UpstreamRequest, by deadline: Moment?) -> UpstreamRequest {
        guard let deadline else { return request }
        var request = request
        request.headers.add(name: PeerWire.timeLeftHeader, value: TimeLimit.milliseconds(deadline - clock.now))
        return request
    }

    private func link() async throws -> PeerLink {
        do {
            return try await links.link(to: id, at: addresses())
        } catch let failure as LinkFailure {
            throw ChatFailure(.unreachable, "\(failure)", cause: failure)
        }
    }

    private static func check(_ status: Int, body: ByteBuffer) throws {
        switch status {
        case 200: return
        case 403:
            let refusal = try? decode(PeerRefusal.self, from: body)  // without one the status says enough
            throw ChatFailure(.unauthorized, refusal?.message ?? "the node refuses this node")
        default:
            if case .failure(let failure) = try? decode(PeerWire.Line.self, from: body) { throw failure }
            throw ChatFailure(.engineError, "the node answered with status \(status)")
        }
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, from body: ByteBuffer) throws -> Value {
        do {
            return try JSONBody.decode(type, from: body.readableBytesView)
        } catch {
            throw ChatFailure(.invalidAnswer, "the node does not answer as a kith node does", cause: error)
        }
    }
}

/// The lines of a kin's answer.
private struct PeerAnswerLines: AsyncSequence, Sendable {
    typealias Element = PeerWire.Line

    let body: UpstreamBody
    /// Between two tokens: from the first on the kin says nothing else.
    let stallLimit: Duration
    let onContact: @Sendable () -> Void

    struct AsyncIterator: AsyncIteratorProtocol {
        var body: UpstreamBody.AsyncIterator
        /// `nil` once it is in force.
        var stallLimit: Duration?
        let onContact: @Sendable () -> Void
        var decoder = LineDecoder(limit: 32 << 20)
        var ready: ArraySlice<[UInt8]> = []

        mutating func next() async throws -> PeerWire.Line? { try await next(isolation: #isolation) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> PeerWire.Line? {
            while true {
                if let line = ready.popFirst() {
                    if line.isEmpty { continue }
                    do {
                        let line = try JSONBody.decode(PeerWire.Line.self, from: line)
                        if case .event(.delta) = line, let limit = stallLimit.take() { body.limitStalls(to: limit) }
                        return line
                    } catch {
                        throw ChatFailure(.invalidAnswer, "the node does not answer as a kith node does", cause: error)
                    }
                }
                guard let piece = try await body.next(isolation: actor) else { return nil }
                onContact()
                ready = try decoder.feed(piece.readableBytesView)[...]
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(body: body.makeAsyncIterator(), stallLimit: stallLimit, onContact: onContact)
    }

    func events() -> ChatStream {
        map { line in
            switch line {
            case .event(let event): return event
            case .failure(let failure): throw failure
            case .verbatim:
                throw ChatFailure(.invalidAnswer, "a whole answer came where a stream was asked for")
            }
        }
    }

    /// For a request with a verbatim body: the kin answers it whole, or as events when its engine cannot.
    func whole() async throws -> ChatAnswer {
        var events: [ChatEvent] = []
        for try await line in self {
            switch line {
            case .verbatim(let answer): return .verbatim(answer)
            case .failure(let failure): throw failure
            case .event(.waiting): continue
            case .event(let event): events.append(event)
            }
        }
        return .events(CollectedEvents(events: events))
    }
}

/// Events that are all there already.
private struct CollectedEvents: AsyncSequence, Sendable {
    typealias Element = ChatEvent
    typealias Failure = any Error

    let events: [ChatEvent]

    struct AsyncIterator: AsyncIteratorProtocol {
        var rest: ArraySlice<ChatEvent>

        mutating func next() async throws -> ChatEvent? { rest.popFirst() }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: events[...]) }
}
