// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
package import KithTransport
import NIOCore
import NIOHTTP1

/// Asks HashiCorp Vault over its HTTP API (https://developer.hashicorp.com/vault/api-docs).
///
/// Its functions throw ``VaultError``, and `CancellationError` when the task is cancelled.
package struct VaultClient: Sendable {
    private static let limit = Duration.seconds(5)
    private static let bodyLimit = 256 << 10

    package let address: HTTPAddress
    private let upstream: UpstreamClient

    /// - Parameter roots: what vouches for Vault's certificate in place of the system's roots.
    package init(address: HTTPAddress, roots: TrustedRoots? = nil) {
        self.address = address
        upstream = UpstreamClient(roots: roots)
    }

    /// Closes idle connections.
    package func shutDown() async { await upstream.shutDown() }

    /// Asks how Vault is, which needs no token.
    ///
    /// - Parameter limit: for the whole request.
    package func status(limit: Duration = .seconds(2)) async -> VaultStatus {
        do {
            let reply = try await send(.GET, "/v1/sys/health", limit: limit)
            return VaultStatus(code: reply.status, body: reply.body.readableBytesView)
        } catch let failure as ChatError {
            return VaultStatus(failure)
        } catch {
            return .unreachable(.interrupted)
        }
    }

    /// Logs in with AppRole.
    package func logIn(roleID: String, secretID: Secret) async throws -> VaultGrant {
        let body: JSONObject = ["role_id": .string(roleID), "secret_id": .string(secretID.reveal())]
        return try await ask(.POST, "/v1/auth/approle/login", for: .logIn, body: .object(body), VaultAnswers.grant)
    }

    /// Asks how long a token is good for.
    package func lookUp(_ token: Secret) async throws -> VaultLease {
        try await ask(.GET, "/v1/auth/token/lookup-self", for: .lookUp, token: token, VaultAnswers.lease)
    }

    /// Renews a token.
    package func renew(_ token: Secret) async throws -> VaultLease {
        try await ask(
            .POST, "/v1/auth/token/renew-self", for: .renew, token: token, body: [:], VaultAnswers.grant
        ).lease
    }

    /// Reads a secret of a key-value store, version 2.
    ///
    /// - Parameter path: as the HTTP API has it after `/v1/`.
    package func read(_ path: String, token: Secret) async throws -> VaultFields {
        try await ask(.GET, "/v1/" + path, for: .read(path: path), token: token, VaultAnswers.fields)
    }

    private func ask<Answer>(
        _ method: HTTPMethod, _ path: String, for attempt: VaultAttempt, token: Secret? = nil, body: JSONValue? = nil,
        _ read: (ByteBufferView) throws -> Answer
    ) async throws -> Answer {
        do {
            let reply = try await send(method, path, token: token, body: body, limit: Self.limit)
            let bytes = reply.body.readableBytesView
            guard reply.status == 200 else {
                throw VaultError(
                    status: reply.status, errors: VaultAnswers.errors(bytes), at: address, attempt: attempt)
            }
            do {
                return try read(bytes)
            } catch {
                throw VaultError(.foreign, "what answers at \(address) does not answer as Vault does", cause: error)
            }
        } catch let failure as ChatError {
            throw VaultError(failure, at: address)
        }
    }

    private func send(
        _ method: HTTPMethod, _ path: String, token: Secret? = nil, body: JSONValue? = nil, limit: Duration
    ) async throws -> UpstreamReply {
        // A Vault agent in between may insist on the first, against requests that a browser was made to send.
        var headers: HTTPHeaders = ["X-Vault-Request": "true"]
        if let token { headers.add(name: "X-Vault-Token", value: token.reveal()) }
        let request = UpstreamRequest(
            method, address, path: path, headers: headers,
            body: try body.map { ByteBuffer(bytes: try JSONBody.encode($0)) },
            limits: UpstreamLimits(connect: limit, within: limit, bodyBytes: Self.bodyLimit))
        return try await upstream.collect(request)
    }
}

/// How long a token is good for.
package struct VaultLease: Hashable, Sendable {
    /// Counted from Vault's answer; `nil` never ends.
    package var duration: Duration?
    package var isRenewable: Bool

    package init(duration: Duration?, isRenewable: Bool) {
        self.duration = duration
        self.isRenewable = isRenewable
    }

    /// - Parameter seconds: 0 stands for no end, as Vault has it for root tokens.
    init(seconds: Double, isRenewable: Bool) {
        // No token lives longer than Vault's own largest TTL, and a number may be anything.
        let held = min(max(0, seconds), 315_360_000)
        self.init(duration: held > 0 ? .seconds(held) : nil, isRenewable: isRenewable)
    }
}

/// The answer to a login: a token and its lease.
package struct VaultGrant: Hashable, Sendable {
    package var token: Secret
    package var lease: VaultLease
}

/// Vault's answers as values. Throws `ChatError` for anything else; no message holds a secret.
package enum VaultAnswers {
    private struct Auth: Decodable {
        struct Content: Decodable {
            var client_token: String
            var lease_duration: Double
            var renewable: Bool
        }

        var auth: Content
    }

    private struct Lookup: Decodable {
        struct Content: Decodable {
            var ttl: Double
            var renewable: Bool?
        }

        var data: Content
    }

    private struct Versioned: Decodable {
        struct Content: Decodable {
            struct Metadata: Decodable { var version: Int? }

            var data: [String: JSONValue]
            var metadata: Metadata
        }

        var data: Content
    }

    private struct Errors: Decodable { var errors: [String] }

    /// Reads the answer to a login, and to a renewal.
    package static func grant(_ body: some Collection<UInt8>) throws -> VaultGrant {
        let auth = try JSONBody.decode(Auth.self, from: body).auth
        guard isToken(auth.client_token) else {
            throw ChatError(.invalidAnswer, "'auth.client_token' cannot be a token")
        }
        return VaultGrant(
            token: Secret(auth.client_token),
            lease: VaultLease(seconds: auth.lease_duration, isRenewable: auth.renewable))
    }

    /// Reads the answer to `auth/token/lookup-self`.
    package static func lease(_ body: some Collection<UInt8>) throws -> VaultLease {
        let content = try JSONBody.decode(Lookup.self, from: body).data
        return VaultLease(seconds: content.ttl, isRenewable: content.renewable ?? false)
    }

    /// Reads a secret of the key-value store, version 2.
    package static func fields(_ body: some Collection<UInt8>) throws -> VaultFields {
        let fields = try JSONBody.decode(Versioned.self, from: body).data.data
        return VaultFields(
            fields.mapValues { value in
                guard let text = value.stringValue, isToken(text) else { return nil }
                return Secret(text)
            })
    }

    /// Vault's own reasons for not doing something; `nil` when the body is not Vault's.
    static func errors(_ body: some Collection<UInt8>) -> [String]? {
        if let errors = try? JSONBody.decode(Errors.self, from: body) { return errors.errors }
        // A deleted version of a secret is answered with status 404 and the metadata that is left of it.
        let rest = try? JSONBody.decode(JSONValue.self, from: body)
        return rest?["data"]?["metadata"] == nil ? nil : []
    }

    /// Whether a text can stand in a header.
    private static func isToken(_ text: String) -> Bool {
        (1...4_096).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

/// The fields of one secret.
package struct VaultFields: Hashable, Sendable {
    /// `nil` for what cannot be a key: no text, an empty one, or one with spaces.
    private let fields: [String: Secret?]

    init(_ fields: [String: Secret?]) { self.fields = fields }

    /// - Throws: ``VaultError`` with `noField` or `unusableField`.
    package func secret(of reference: VaultReference) throws(VaultError) -> Secret {
        guard let field = fields[reference.field] else {
            throw VaultError(.noField, "the secret at \(reference.path) in Vault has no field \(reference.field)")
        }
        guard let field else {
            throw VaultError(
                .unusableField,
                "the field \(reference.field) of \(reference.path) in Vault is not a text of printable ASCII without "
                    + "blanks")
        }
        return field
    }
}
