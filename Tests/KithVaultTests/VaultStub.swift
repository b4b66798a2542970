// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting
import Synchronization

/// Answers as Vault's documentation says that Vault does.
final class VaultStub: Sendable {
    struct State {
        var isSealed = false
        /// In place of Vault: HTML, as a proxy's error page.
        var html: (status: Int, text: String)?
        var hangs = false
        var tokens: Set<String> = []
        /// Tokens without a policy that allows reading.
        var lackingPolicy: Set<String> = []
        var secrets: [String: [String: JSONValue]] = [:]
        var secretID = "secret-id-of-the-stub"
        var duration = 3_600
        var isRenewable = true
        var made = 0
    }

    static let roleID = "role-of-the-stub"

    private let state: Mutex<State>

    init(_ change: (inout State) -> Void = { _ in }) {
        var state = State()
        change(&state)
        self.state = Mutex(state)
    }

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func serve<Result>(_ body: (StubServer) async throws -> Result) async throws -> Result {
        try await StubServer.serve({ [self] in try await respond(to: $0, $1) }, during: body)
    }

    private func respond(to request: StubRequest, _ answer: StubAnswer) async throws {
        let now = state.withLock { $0 }
        if now.hangs { return try await answer.hang() }
        if let html = now.html {
            return try await answer.send(html.text, status: html.status, contentType: "text/html")
        }
        if request.uri == "/v1/sys/health" {
            let body = #"{"initialized":true,"sealed":\#(now.isSealed),"standby":false,"version":"1.20.0"}"#
            return try await answer.send(body, status: now.isSealed ? 503 : 200)
        }
        if now.isSealed { return try await Self.refuse(answer, 503, "Vault is sealed") }
        if request.uri == "/v1/auth/approle/login" { return try await logIn(request, answer) }
        guard let token = request[header: "x-vault-token"], now.tokens.contains(token) else {
            return try await Self.refuse(answer, 403, "permission denied")
        }
        switch (request.method, request.uri) {
        case ("GET", "/v1/auth/token/lookup-self"):
            try await answer.send(
                #"{"data":{"ttl":\#(now.duration),"renewable":\#(now.isRenewable),"policies":["kith"],"id":"\#(token)"}}"#
            )
        case ("POST", "/v1/auth/token/renew-self"):
            guard now.isRenewable else { return try await Self.refuse(answer, 400, "lease is not renewable") }
            try await answer.send(Self.grant(token, now))
        case ("GET", let uri) where now.secrets["\(uri.dropFirst(4))"] != nil:
            if now.lackingPolicy.contains(token) { return try await Self.refuse(answer, 403, "permission denied") }
            let fields = try JSONBody.encode(now.secrets["\(uri.dropFirst(4))"] ?? [:])
            try await answer.send(
                #"{"request_id":"r","lease_id":"","renewable":false,"lease_duration":0,"data":{"data":"#
                    + String(decoding: fields, as: UTF8.self)
                    + #","metadata":{"created_time":"2026-01-01T00:00:00Z","deletion_time":"","destroyed":false,"version":1}},"warnings":null}"#
            )
        default: try await answer.send(#"{"errors":[]}"#, status: 404)
        }
    }

    private func logIn(_ request: StubRequest, _ answer: StubAnswer) async throws {
        let given = try JSONBody.decode(JSONValue.self, from: request.body)
        let made = state.withLock { state -> (token: String, State)? in
            guard given["role_id"]?.stringValue == Self.roleID, given["secret_id"]?.stringValue == state.secretID else {
                return nil
            }
            state.made += 1
            state.tokens.insert("hvs.made-\(state.made)")
            return ("hvs.made-\(state.made)", state)
        }
        guard let made else { return try await Self.refuse(answer, 400, "invalid role or secret ID") }
        try await answer.send(Self.grant(made.token, made.1))
    }

    private static func grant(_ token: String, _ state: State) -> String {
        #"{"request_id":"r","data":null,"auth":{"client_token":"\#(token)","accessor":"a","policies":["kith"],"#
            + #""lease_duration":\#(state.duration),"renewable":\#(state.isRenewable)}}"#
    }

    private static func refuse(_ answer: StubAnswer, _ status: Int, _ error: String) async throws {
        try await answer.send(#"{"errors":["\#(error)"]}"#, status: status)
    }
}

extension StubServer {
    /// What was asked so far, as methods and paths.
    var asked: [String] { requests.map { "\($0.method) \($0.uri)" } }
}
