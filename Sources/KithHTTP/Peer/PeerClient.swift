// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
package import KithTransport
import NIOCore
import NIOHTTP1

/// Asks a kin; the other end is ``PeerRoutes``.
package struct PeerClient: Answering {
    private let endpoint: PeerEndpoint
    private let key: Secret?
    private let upstream: UpstreamClient

    /// - Parameter key: The mesh key, used when the peer has none of its own.
    package init(endpoint: PeerEndpoint, key: Secret?, upstream: UpstreamClient) {
        self.endpoint = endpoint
        self.key = endpoint.key ?? key
        self.upstream = upstream
    }

    /// - Throws: ``ChatFailure``; `CancellationError`.
    package func status() async throws -> PeerWire.Status {
        let limits = UpstreamLimits(firstByte: .seconds(2), stall: .seconds(2), bodyBytes: 1 << 20)
        let reply = try await upstream.collect(
            UpstreamRequest(.GET, endpoint.address, path: PeerWire.statusPath, headers: headers, limits: limits))
        try Self.check(reply.status, body: reply.body)
        return try Self.decode(PeerWire.Status.self, from: reply.body)
    }

    package func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        // The kin keeps talking while its engine does not: silence means that the kin is gone.
        let limits = UpstreamLimits(firstByte: PeerWire.keepAlive * 2, stall: .seconds(30))
        let response = try await upstream.stream(
            UpstreamRequest(
                .POST, endpoint.address, path: PeerWire.generatePath, headers: headers,
                body: ByteBuffer(bytes: try JSONBody.encode(request)), limits: limits))
        guard response.status == 200 else {
            try Self.check(response.status, body: try await response.body.collect(upTo: 64 << 10))
            throw ChatFailure(.invalidAnswer, "\(endpoint.address) answered with status \(response.status)")
        }
        let lines = PeerAnswerLines(body: response.body)
        guard request.verbatim != nil else { return .events(lines.events()) }
        return try await lines.whole()
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        let limits = UpstreamLimits(firstByte: .seconds(60))
        let reply = try await upstream.collect(
            UpstreamRequest(
                .POST, endpoint.address, path: PeerWire.embedPath, headers: headers,
                body: ByteBuffer(bytes: try JSONBody.encode(request)), limits: limits))
        try Self.check(reply.status, body: reply.body)
        return try Self.decode(EmbeddingAnswer.self, from: reply.body)
    }

    private var headers: HTTPHeaders {
        guard let key else { return [:] }
        return ["Authorization": "Bearer \(key.reveal())"]
    }

    private static func check(_ status: Int, body: ByteBuffer) throws {
        switch status {
        case 200: return
        case 401, 403: throw ChatFailure(.unauthorized, "the node refuses this node's mesh key")
        case 404: throw ChatFailure(.invalidAnswer, "no kith node answers there, or it has no mesh key")
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

    struct AsyncIterator: AsyncIteratorProtocol {
        var body: UpstreamBody.AsyncIterator
        var decoder = LineDecoder(limit: 32 << 20)
        var ready: ArraySlice<[UInt8]> = []

        mutating func next() async throws -> PeerWire.Line? { try await next(isolation: #isolation) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> PeerWire.Line? {
            while true {
                if let line = ready.popFirst() {
                    if line.isEmpty { continue }
                    do {
                        return try JSONBody.decode(PeerWire.Line.self, from: line)
                    } catch {
                        throw ChatFailure(.invalidAnswer, "the node does not answer as a kith node does", cause: error)
                    }
                }
                guard let piece = try await body.next(isolation: actor) else { return nil }
                ready = try decoder.feed(piece.readableBytesView)[...]
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: body.makeAsyncIterator()) }

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
