// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTransport
import NIOCore
import NIOHTTP1

/// What the adapters have in common: asking an engine over HTTP, and putting its refusals into words.
struct EngineConnection: Sendable {
    /// For answers that should come at once: model lists, versions.
    static let inquiryLimits = UpstreamLimits(
        connect: .seconds(2), firstByte: .seconds(10), stall: .seconds(10), whole: .seconds(30), bodyBytes: 16 << 20)
    /// Together below the two seconds within which health must be reported.
    static let healthLimits = UpstreamLimits(
        connect: .milliseconds(900), firstByte: .milliseconds(700), stall: .milliseconds(300),
        whole: .seconds(3), bodyBytes: 16 << 20)
    private static let refusalBytes = 1 << 20

    let client: UpstreamClient
    /// The engine's name in messages, such as "Ollama".
    let name: String
    var address: HTTPAddress
    var headers: HTTPHeaders = [:]
    /// Asked before each request, because the key may come late and may change.
    var credential: EngineCredential?
    /// Looks who has the port, before each request; `nil` for an engine that the owner named.
    var watch: OwnerWatch?

    /// - Throws: `ChatError`; `CancellationError`.
    func get<Value: Decodable>(
        _ type: Value.Type, path: String, limits: UpstreamLimits = EngineConnection.inquiryLimits
    ) async throws -> Value {
        let key = try currentKey()
        let reply = try await client.collect(
            UpstreamRequest(
                .GET, address, path: path, headers: headers(showing: key), limits: limits, subject: name))
        return try read(type, from: try accepted(reply, key: key, model: nil))
    }

    /// - Throws: `ChatError`; `CancellationError`.
    func post<Value: Decodable>(
        _ type: Value.Type, path: String, body: [UInt8], model: ModelID?, limits: UpstreamLimits
    ) async throws -> Value {
        try read(type, from: try await reply(path: path, body: body, model: model, limits: limits))
    }

    /// A whole answer with status 200.
    ///
    /// - Throws: `ChatError`; `CancellationError`.
    func reply(
        _ method: HTTPMethod = .POST, path: String, body: [UInt8], model: ModelID?, mark: RequestMark? = nil,
        limits: UpstreamLimits
    ) async throws -> UpstreamReply {
        let key = try currentKey()
        let reply = try await client.collect(
            UpstreamRequest(
                method, address, path: path, headers: headers(showing: key, mark), body: ByteBuffer(bytes: body),
                limits: limits, subject: name))
        return try accepted(reply, key: key, model: model)
    }

    /// The answer as it arrives, and its media type in lower case, or nothing.
    ///
    /// - Throws: `ChatError`; `CancellationError`.
    func stream(
        path: String, body: [UInt8], model: ModelID, mark: RequestMark, limits: UpstreamLimits
    ) async throws -> (type: String, body: UpstreamBody) {
        let response = try await response(
            path: path, type: "application/json", body: body, model: model, mark: mark, limits: limits)
        let type = response.headers.first(name: "content-type")?.lowercased().split(separator: ";").first ?? ""
        guard type != "text/html" else {
            throw ChatError(.invalidAnswer, "\(name) did not answer with a stream of its dialect, but with a page")
        }
        return (String(type), response.body)
    }

    /// The answer with status 200 as it arrives.
    ///
    /// - Parameter type: Of the body.
    /// - Throws: `ChatError`; `CancellationError`.
    func response(
        path: String, type: String, body: [UInt8], model: ModelID?, mark: RequestMark, limits: UpstreamLimits
    ) async throws -> UpstreamResponse {
        let key = try currentKey()
        var headers = headers(showing: key, mark)
        headers.replaceOrAdd(name: "Content-Type", value: type)
        let response = try await client.stream(
            UpstreamRequest(
                .POST, address, path: path, headers: headers, body: ByteBuffer(bytes: body), limits: limits,
                subject: name))
        guard response.status == 200 else {
            let body = try await response.body.collect(upTo: Self.refusalBytes)
            throw refusal(status: response.status, headers: response.headers, body: body, key: key, model: model)
        }
        return response
    }

    /// - Parameter key: The key that was sent to the engine.
    func refusal(
        status: Int, headers: HTTPHeaders, body: ByteBuffer, key: Secret?, model: ModelID?
    ) -> ChatError {
        let failure = EngineErrorResponse(
            engine: name, status: status, retryAfter: headers.first(name: "retry-after"),
            retryAfterMilliseconds: headers.first(name: "retry-after-ms"), body: Array(body.readableBytesView),
            model: model, key: key
        ).failure
        guard failure.code == .unauthorized, let key, let credential else { return failure }
        return credential.failure(refused: key, by: name) ?? failure
    }

    /// The key that a request shows; whose program the engine is, is looked at first.
    ///
    /// - Throws: `ChatError` while there is no key, and where somebody else's program has the port.
    func currentKey() throws(ChatError) -> Secret? {
        try watch?.check()
        return try credential?.current(for: name)
    }

    func headers(showing key: Secret?, _ mark: RequestMark? = nil) -> HTTPHeaders {
        var headers = headers
        if let key, let credential {
            headers.replaceOrAdd(name: credential.header, value: credential.scheme + key.reveal())
        }
        if let mark { add(mark, to: &headers) }
        return headers
    }

    /// What other tracing systems noted is for this network's machines, and not for a provider.
    private func add(_ mark: RequestMark, to headers: inout HTTPHeaders) {
        headers.add(name: TraceHeader.request, value: mark.id.rawValue)
        guard let context = mark.context else { return }
        headers.add(name: TraceHeader.parent, value: context.parent)
        if !context.state.isEmpty, address.isNear { headers.add(name: TraceHeader.state, value: context.state) }
    }

    private func accepted(_ reply: UpstreamReply, key: Secret?, model: ModelID?) throws -> UpstreamReply {
        guard reply.status == 200 else {
            throw refusal(status: reply.status, headers: reply.headers, body: reply.body, key: key, model: model)
        }
        return reply
    }

    private func read<Value: Decodable>(_ type: Value.Type, from reply: UpstreamReply) throws -> Value {
        do {
            return try JSONBody.decode(type, from: reply.body.readableBytesView)
        } catch {
            throw ChatError(.invalidAnswer, "\(name) did not answer in its dialect", cause: error)
        }
    }

    /// The engine's health, found out with one small request.
    func health(_ ask: () async throws -> Void) async -> EngineHealth {
        do {
            _ = try currentKey()
            try await ask()
            return .ready
        } catch let failure as ChatError {
            return failure.code == .overloaded ? .loading : .down(failure.message)
        } catch {
            return .down("\(name) was not asked to the end")
        }
    }
}

/// The key for an engine, and how it is sent.
struct EngineCredential: Sendable {
    let source: any SecretSource
    /// The name of the header.
    let header: String
    /// The text before the key.
    let scheme: String

    /// RFC 6750.
    static func bearer(_ source: any SecretSource) -> EngineCredential {
        EngineCredential(source: source, header: "Authorization", scheme: "Bearer ")
    }

    static func header(_ name: String, _ source: any SecretSource) -> EngineCredential {
        EngineCredential(source: source, header: name, scheme: "")
    }

    /// - Throws: `ChatError` while there is no key.
    func current(for engine: String) throws(ChatError) -> Secret {
        do {
            return try source.current()
        } catch {
            let code: ChatError.Code = error.code == .pending ? .overloaded : .noEngine
            throw ChatError(
                code, "\(engine) cannot be asked: \(error.message)", retryAfter: .seconds(1), cause: error)
        }
    }

    /// What a refused key means for the client.
    ///
    /// - Returns: `nil` when no better key is available.
    func failure(refused key: Secret, by engine: String) -> ChatError? {
        guard source.refused(key) else { return nil }
        return ChatError(
            .noEngine, "\(engine) refuses the key it was given; a newer one is looked for", retryAfter: .seconds(2))
    }
}

extension HTTPAddress {
    /// Whether the host is this machine, or one of its owner's network, as far as its name or address tells.
    var isNear: Bool {
        let name = host.lowercased()
        if name.contains(":") {
            return name == "::1" || ["fc", "fd", "fe8", "fe9", "fea", "feb"].contains(where: name.hasPrefix)
        }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { UInt8($0) }
        if numbers.count == 4, parts.count == 4 { return Self.isNear(numbers) }
        guard parts.count > 1 else { return true }
        return [".localhost", ".local", ".lan", ".internal", ".home", ".home.arpa", ".ts.net"]
            .contains(where: name.hasSuffix)
    }

    /// Loopback, RFC 1918, RFC 6598 as overlay networks use it, and link-local addresses.
    private static func isNear(_ address: [UInt8]) -> Bool {
        switch (address[0], address[1]) {
        case (127, _), (10, _), (172, 16...31), (192, 168), (100, 64...127), (169, 254): true
        default: false
        }
    }
}
