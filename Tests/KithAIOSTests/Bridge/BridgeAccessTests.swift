// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithServer
import KithSurfaceTesting
import KithTesting
import KithVault
import NIOHTTP1
import Testing

@Suite("Bridge and who asks it", .timeLimit(.minutes(2)))
struct BridgeAccessTests {
    private static let routes: [(HTTPMethod, String, String?, Scope)] = [
        (.GET, "/health", nil, .read), (.POST, "/code-assist", #"{"code":"x"}"#, .assist),
        (.POST, "/sync-consciousness", #"{"level":1}"#, .sync), (.GET, "/vault-status", nil, .read),
        (.GET, "/network-peers", nil, .read), (.GET, "/metrics", nil, .read),
    ]

    @Test("Where a key is needed, each route opens to its scope and to no other")
    func scopes() async throws {
        try await TestBridge.run([], access: { .with($0, requiresKey: true) }) { bridge in
            for (method, path, body, needed) in Self.routes {
                let refusal = try await bridge.send(method, path, body)
                #expect(refusal.status == 401, "\(path)")
                #expect(try refusal.json()["detail"]?.stringValue != nil)
                for scope in Scope.allCases {
                    let key = try await bridge.access.keys.create(
                        name: "test", scopes: [scope], lifetime: nil, now: .now())
                    let reply = try await bridge.send(
                        method, path, headers: ["Authorization": "Bearer \(key.text.reveal())"], body)
                    #expect((reply.status < 300) == (scope == needed), "\(scope) at \(path): \(reply.text)")
                }
            }
        }
    }

    @Test(
        "Other refusals have the seeds' shape",
        arguments: [
            (HTTPMethod.GET, "/nothing", 404, "Not Found"), (.POST, "/health", 405, "Method Not Allowed"),
            (.GET, "/code-assist", 405, "Method Not Allowed"),
        ])
    func refusals(method: HTTPMethod, path: String, status: Int, detail: String) async throws {
        try await TestBridge.run([]) { bridge in
            let reply = try await bridge.send(method, path)
            #expect(reply.status == status)
            #expect(try reply.json() == ["detail": .string(detail)])
        }
    }

    @Test("A page of the editor, or of this machine, may read the answers", arguments: PageOriginTests.allowed)
    func allowed(origin: String) async throws {
        try await TestBridge.run([]) { bridge in
            let reply = try await bridge.send(.GET, "/health", headers: ["Origin": origin])
            #expect(reply.headers.first(name: "access-control-allow-origin") == origin)
            #expect(reply.headers[canonicalForm: "vary"].contains("Origin"))
            let error = try await bridge.send(.GET, "/nothing", headers: ["Origin": origin])
            #expect(error.headers.first(name: "access-control-allow-origin") == origin)
        }
    }

    @Test("A page of anybody else may not", arguments: PageOriginTests.foreign)
    func foreign(origin: String) async throws {
        try await TestBridge.run([]) { bridge in
            let asked: HTTPHeaders = ["Origin": origin, "Access-Control-Request-Method": "POST"]
            for reply in [
                try await bridge.send(.GET, "/health", headers: asked),
                try await bridge.send(.OPTIONS, "/code-assist", headers: asked),
            ] {
                #expect(!reply.headers.contains { $0.name.lowercased().hasPrefix("access-control") })
                #expect(reply.headers[canonicalForm: "vary"].contains("Origin"))
            }
        }
    }

    @Test("What a browser asks beforehand is answered without a key, in every case alike")
    func preflight() async throws {
        try await TestBridge.run([], access: { .with($0, requiresKey: true) }) { bridge in
            let reply = try await bridge.send(
                .OPTIONS, "/code-assist",
                headers: [
                    "Origin": "vscode-webview://0abc", "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "content-type",
                ])
            #expect(reply.status == 204)
            #expect(reply.headers.first(name: "access-control-allow-origin") == "vscode-webview://0abc")
            #expect(reply.headers.first(name: "access-control-allow-methods")?.contains("POST") == true)
            #expect(reply.headers.first(name: "access-control-allow-headers")?.contains("Content-Type") == true)
            #expect(reply.headers[canonicalForm: "vary"].contains("Origin"))
        }
    }

    @Test("Without a vault that is said, and a vault that hangs keeps nobody waiting")
    func vault() async throws {
        try await TestBridge.run([]) { bridge in
            let body = try await bridge.send(.GET, "/vault-status").json()
            #expect(body["status"] == "error")
            #expect(body["error"]?.stringValue?.contains("no Vault is set") == true)
        }
        let hanging: @Sendable () async -> VaultStatusBody = {
            while !Task.isCancelled { await Task.yield() }
            return VaultStatusBody(.active)
        }
        try await TestBridge.run([], vault: hanging) { bridge in
            let body = try await bridge.send(.GET, "/vault-status").json()
            #expect(body["status"] == "error")
        }
    }
}
