// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import KithTransport
import NIOCore
import NIOHTTP1

/// The body of a request whose path says everything.
struct NoMessage: Encodable {}

/// Speaks to a node on behalf of a command, in the command's terms of success and failure.
struct NodeClient: Sendable {
    let address: HTTPAddress
    private let key: Secret?
    /// Whether the node must show a certain certificate.
    private let isPinned: Bool
    private let upstream: UpstreamClient
    /// Whether nobody named this address, and no node of this machine says that it has it.
    var isGuessed = false
    /// What to do when nobody answers; `nil` stands for how to start a node there.
    private let absence: String?

    /// - Parameters:
    ///   - key: Sent with every request.
    ///   - pin: The certificate that the node must show.
    ///   - absence: The message when nobody answers, in place of how to start a node there.
    init(address: HTTPAddress, key: Secret? = nil, pin: CertificatePin? = nil, absence: String? = nil) {
        self.address = address
        self.key = key
        self.absence = absence
        isPinned = pin != nil
        upstream = UpstreamClient(pin: pin)
    }

    private init(_ other: NodeClient, key: Secret?) {
        (address, isPinned, upstream, absence) = (other.address, other.isPinned, other.upstream, other.absence)
        isGuessed = other.isGuessed
        self.key = key
    }

    /// The same node, asked with another key.
    func asked(with key: Secret?) -> NodeClient { NodeClient(self, key: key) }

    /// Whether a client that shows the key of this one may ask for models.
    ///
    /// - Throws: `CommandError`; `CancellationError`.
    func isLetIn() async throws -> Bool { try await reply(.GET, "/v1/models", body: nil).status != 401 }

    /// - Throws: `CommandError`; `CancellationError`.
    func get<Value: Decodable>(_ type: Value.Type, _ path: String) async throws -> Value {
        try await call(.GET, path, body: nil)
    }

    /// - Returns: `nil` when the node has no such thing.
    /// - Throws: `CommandError`; `CancellationError`.
    func find<Value: Decodable>(_ type: Value.Type, _ path: String) async throws -> Value? {
        let reply = try await reply(.GET, path, body: nil)
        return reply.status == 404 ? nil : try decode(reply)
    }

    /// Sends a message and reads the answer.
    ///
    /// - Parameter patience: How long the node may take to answer; it may have to ask another machine first.
    /// - Throws: `CommandError`; `CancellationError`.
    func post<Value: Decodable>(
        _ path: String, _ message: some Encodable, headers: HTTPHeaders = [:], patience: Duration = .seconds(30)
    ) async throws -> Value {
        try await call(.POST, path, body: try JSONBody.encode(message), headers: headers, patience: patience)
    }

    /// - Throws: `CommandError`; `CancellationError`.
    func patch<Value: Decodable>(_ path: String, _ message: some Encodable) async throws -> Value {
        try await call(.PATCH, path, body: try JSONBody.encode(message), patience: .seconds(30))
    }

    /// - Throws: `CommandError`; `CancellationError`.
    func put<Value: Decodable>(_ path: String, _ message: some Encodable) async throws -> Value {
        try await call(.PUT, path, body: try JSONBody.encode(message), patience: .seconds(30))
    }

    /// - Throws: `CommandError`; `CancellationError`.
    func delete<Value: Decodable>(_ path: String) async throws -> Value {
        try await call(.DELETE, path, body: nil, patience: .seconds(30))
    }

    /// The same where the answer says nothing.
    ///
    /// - Throws: `CommandError`; `CancellationError`.
    func remove(_ path: String) async throws {
        let reply = try await reply(.DELETE, path, body: nil)
        guard (200..<300).contains(reply.status) else {
            throw refusal(reply.status, Array(reply.body.readableBytesView))
        }
    }

    private func call<Value: Decodable>(
        _ method: HTTPMethod, _ path: String, body: [UInt8]?, headers: HTTPHeaders = [:],
        patience: Duration = .seconds(10)
    ) async throws -> Value {
        try decode(try await reply(method, path, body: body, headers: headers, patience: patience))
    }

    private func reply(
        _ method: HTTPMethod, _ path: String, body: [UInt8]?, headers: HTTPHeaders = [:],
        patience: Duration = .seconds(10)
    ) async throws -> UpstreamReply {
        try await translating {
            let reply = try await upstream.collect(
                UpstreamRequest(
                    method, address, path: path, headers: HTTPHeaders(Array(headers) + Array(self.headers)),
                    body: body.map { ByteBuffer(bytes: $0) },
                    limits: UpstreamLimits(firstByte: patience, stall: .seconds(10))))
            try requireNode(reply.status, reply.headers)
            return reply
        }
    }

    private func decode<Value: Decodable>(_ reply: UpstreamReply) throws -> Value {
        let body = Array(reply.body.readableBytesView)
        guard (200..<300).contains(reply.status) else { throw refusal(reply.status, body) }
        do {
            return try JSONBody.decode(Value.self, from: body)
        } catch {
            throw CommandError(.failed, "what answers at \(address) is not a node of this version")
        }
    }

    private var headers: HTTPHeaders {
        key.map { ["Authorization": "Bearer \($0.reveal())"] } ?? [:]
    }

    /// Sends a request and gives back the head of the answer, whose status is 200.
    ///
    /// - Throws: `CommandError`; `CancellationError`.
    func stream(
        _ path: String, body: [UInt8], headers: HTTPHeaders, limits: UpstreamLimits
    ) async throws -> UpstreamResponse {
        try await stream(
            UpstreamRequest(
                .POST, address, path: path, headers: HTTPHeaders(Array(headers) + Array(self.headers)),
                body: ByteBuffer(bytes: body), limits: limits))
    }

    /// Begins to read what has no end: the body of an answer whose status is 200.
    ///
    /// - Parameter silence: How long the node may send nothing before it counts as gone.
    /// - Throws: `CommandError`; `CancellationError`.
    func follow(_ path: String, silence: Duration) async throws -> UpstreamBody {
        try await stream(
            UpstreamRequest(
                .GET, address, path: path, headers: headers,
                limits: UpstreamLimits(firstByte: .seconds(10), stall: silence))
        ).body
    }

    private func stream(_ request: UpstreamRequest) async throws -> UpstreamResponse {
        try await translating {
            let response = try await upstream.stream(request)
            try requireNode(response.status, response.headers)
            guard response.status == 200 else {
                let body = try await response.body.collect(upTo: 65_536)
                throw refusal(response.status, Array(body.readableBytesView))
            }
            return response
        }
    }

    /// The status of an answer, whatever it is, and the reason its body gives.
    func probe(_ path: String) async throws -> (status: Int, reason: String) {
        let reply = try await upstream.collect(
            UpstreamRequest(
                .GET, address, path: path, headers: headers,
                limits: UpstreamLimits(
                    connect: .seconds(1), firstByte: .seconds(3), stall: .seconds(3), bodyBytes: 65_536)))
        return (
            reply.status, RefusalBody.message(status: reply.status, body: Array(reply.body.readableBytesView))
        )
    }

    private func refusal(_ status: Int, _ body: [UInt8]) -> CommandError {
        var reason = RefusalBody.message(status: status, body: body)
        let isKept = status == 401 || status == 403
        if isKept, let named = Terminal.environment["KITH_URL"], HTTPAddress(named) == address {
            reason += " (asked was \(address), as KITH_URL says)"
        }
        guard status == 401, key == nil else { return CommandError(.notAnswered, reason) }
        return CommandError(
            .notAnswered, "\(reason); set KITH_KEY to a key that kith key create made on the node's machine")
    }

    /// What a node also says before it has read what is asked for, without a name.
    private static let answersOfTheEdge: Set<Int> = [400, 401, 403, 408, 413, 414, 421, 429, 431, 500, 503]

    /// Refuses the answer of another program at the port that a node usually takes: what a node answers has a name.
    private func requireNode(_ status: Int, _ headers: HTTPHeaders) throws(CommandError) {
        guard isGuessed, !Self.answersOfTheEdge.contains(status), headers.first(name: TraceHeader.request) == nil else {
            return
        }
        throw CommandError(
            .nodeUnreachable, "no node runs here, and another program answers at \(address); kith setup starts a node")
    }

    private func translating<Value>(_ operation: () async throws -> Value) async throws -> Value {
        do {
            return try await operation()
        } catch let failure as ChatError {
            switch failure.code {
            case .unreachable where failure.isTLSRefusal:
                throw CommandError(
                    .nodeUnreachable,
                    failure.message
                        + (isPinned
                            ? "; it is not the node whose certificate KITH_FINGERPRINT names: compare that with what kith "
                                + "id prints on the node's machine"
                            : "; for a node with its own certificate set KITH_FINGERPRINT to what kith id prints on its "
                                + "machine"))
            case .unreachable where failure.isUnknownHost:
                throw CommandError(
                    .nodeUnreachable,
                    "this machine does not know the name \(address.host): write the node's address in its place, which kith "
                        + "id prints there")
            case .unreachable:
                throw CommandError(
                    .nodeUnreachable, absence ?? "no node answers at \(address); \(advice)")
            case .timeout: throw CommandError(.nodeUnreachable, failure.message)
            case .interrupted where address.scheme == .http:
                throw CommandError(
                    .notAnswered, failure.message + "; if the node uses TLS, its address begins with https://")
            case .interrupted where address.port == PeerAddress.defaultPort:
                throw CommandError(
                    .notAnswered,
                    "port \(address.port) is the one for other nodes; programs ask at another, 8080 unless it was changed"
                )
            default: throw CommandError(.notAnswered, failure.message)
            }
        }
    }

    private var advice: String {
        guard address.isOnLoopback else {
            return "see that one runs there, and is open to other machines (docs/keys.md)"
        }
        return (address.port == 8080 ? "kith setup" : "kith up --port \(address.port)") + " starts one"
    }
}
