// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
package import KithTransport
import NIOCore
import NIOHTTP1

/// Asks HashiCorp Vault over its HTTP API (https://developer.hashicorp.com/vault/api-docs).
///
/// Its functions throw ``VaultFailure``, and `CancellationError` when the task is cancelled.
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

    /// Lets go of idle connections.
    package func shutDown() async { await upstream.shutDown() }

    /// Asks how Vault is, which needs no token.
    ///
    /// - Parameter limit: for the whole of it.
    package func status(limit: Duration = .seconds(2)) async -> VaultStatus {
        do {
            let reply = try await send(.GET, "/v1/sys/health", limit: limit)
            return VaultStatus(code: reply.status, body: reply.body.readableBytesView)
        } catch let failure as ChatFailure {
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

    /// Lets a token live on.
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
                throw VaultFailure(
                    status: reply.status, errors: VaultAnswers.errors(bytes), at: address, attempt: attempt)
            }
            do {
                return try read(bytes)
            } catch {
                throw VaultFailure(.foreign, "what answers at \(address) does not answer as Vault does", cause: error)
            }
        } catch let failure as ChatFailure {
            throw VaultFailure(failure, at: address)
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
            limits: UpstreamLimits(connect: limit, firstByte: limit, stall: limit, bodyBytes: Self.bodyLimit))
        return try await upstream.collect(request, within: limit)
    }
}
