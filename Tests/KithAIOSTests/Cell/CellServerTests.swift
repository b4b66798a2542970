// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import Logging
import NIOHTTP1
import Testing

@Suite("Cell server", .timeLimit(.minutes(3)))
struct CellServerTests {
    @Test("Health says what the cell is")
    func health() async throws {
        try await RunningCell.run { cell in
            let reply = try await cell.send(.GET, "/health")
            #expect(!reply.text.contains(" ") && !reply.text.contains("\n"))
            try await cell.expect(
                .GET, "/health",
                """
                {"status": "healthy", "cell_id": "desktop-primary", "branch": "main", "consciousness_level": 3.2,
                 "services": ["code-assist", "consciousness-sync", "health"], "type": "cell"}
                """)
        }
    }

    @Test(
        "Other refusals have FastAPI's shape",
        arguments: [
            (HTTPMethod.GET, "/nothing", 404, "Not Found"), (.GET, "/code-assist", 405, "Method Not Allowed"),
            (.POST, "/health", 405, "Method Not Allowed"), (.DELETE, "/sync-consciousness", 405, "Method Not Allowed"),
        ])
    func refusals(method: HTTPMethod, path: String, status: Int, detail: String) async throws {
        try await RunningCell.run { cell in
            try await cell.expect(method, path, status: status, #"{"detail": "\#(detail)"}"#)
            #expect(try await cell.send(method, path).headers.contains(name: "Allow") == (status == 405))
        }
    }

    @Test(
        "A body over a mebibyte is refused, and the cell goes on", arguments: ["/code-assist", "/sync-consciousness"])
    func large(path: String) async throws {
        try await RunningCell.run { cell in
            let body = #"{"code":"\#(String(repeating: "x", count: 1 << 20))"}"#
            let reply = try await cell.send(.POST, path, body)
            #expect(reply.status == 413)
            #expect(try reply.json()["detail"]?.stringValue != nil)
            #expect(try await cell.send(.GET, "/health").status == 200)
        }
    }

    @Test("A body needs no content type, and JSON must be JSON", arguments: ["/code-assist", "/sync-consciousness"])
    func contentType(path: String) async throws {
        try await RunningCell.run { cell in
            let body = #"{"code": "", "level": 1}"#
            #expect(try await cell.send(.POST, path, body).status == 200)
            #expect(try await cell.send(.POST, path, headers: ["Content-Type": "application/json"], body).status == 200)
            #expect(try await cell.send(.POST, path, headers: ["Content-Type": "text/html"], body).status == 415)
            try await cell.expect(
                .POST, path, body: "{", status: 422,
                """
                {"detail": [{"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}}]}
                """)
            try await cell.expect(
                .POST, path, status: 422,
                #"{"detail": [{"type": "missing", "loc": ["body"], "msg": "Field required", "input": null}]}"#)
        }
    }

    // MARK: Keys

    @Test("Where other machines can come, each route needs a key of its scope")
    func keys() async throws {
        try await RunningCell.run(requiresKey: true) { cell in
            let routes: [(HTTPMethod, String, String?, Set<Scope>)] = [
                (.GET, "/health", nil, [.read, .assist, .sync]), (.POST, "/code-assist", #"{"code":""}"#, [.assist]),
                (.POST, "/sync-consciousness", #"{"level":1}"#, [.sync]), (.GET, "/metrics", nil, [.read]),
                (.GET, "/metrics/prometheus", nil, [.read]),
                (.POST, "/register", #"{"cell_id":"a","ip":"10.0.0.1","port":1}"#, [.peer]),
            ]
            for (method, path, body, _) in routes {
                let reply = try await cell.send(method, path, body)
                #expect(reply.status == 401)
                #expect(try reply.json()["detail"]?.stringValue?.hasPrefix("this needs a key") == true)
            }
            #expect(try await cell.send(.GET, "/nothing").status == 401)
            try await cell.expect(.GET, "/health/live", #"{"status": "alive"}"#)
            for scope in Scope.allCases {
                let key = try await cell.node.key([scope])
                for (method, path, body, scopes) in routes {
                    let reply = try await cell.send(method, path, headers: ["Authorization": "Bearer \(key)"], body)
                    #expect(reply.status == (scopes.contains(scope) ? 200 : 403), "\(scope) \(path)")
                }
            }
        }
    }

    @Test("A page of another site is not let in without a key")
    func rebinding() async throws {
        try await RunningCell.run { cell in
            let reply = try await cell.send(.GET, "/health", headers: ["Host": "evil.example"])
            #expect(reply.status == 421)
        }
    }

    // MARK: Metrics

    @Test("Metrics are text for Prometheus, and JSON for who wants it")
    func metrics() async throws {
        try await RunningCell.run { cell in
            _ = try await cell.send(.POST, "/sync-consciousness", SeedExamples.sync)
            _ = try await cell.send(.POST, "/code-assist", "{")
            let reply = try await cell.send(.GET, "/metrics")
            #expect(reply.headers.first(name: "Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
            let lines = Set(reply.text.split(separator: "\n"))
            for line in [
                "# TYPE aios_consciousness_level gauge",
                #"aios_consciousness_level{cell_id="desktop-primary"} 2.5"#,
                #"aios_cell_info{cell_id="desktop-primary",branch="main"} 1"#,
                #"kith_level{source="vscode-agent-laptop"} 2.5"#, #"kith_level{source="desk"} 2.5"#,
                #"kith_requests_total{role="cell",route="/sync-consciousness",outcome="ok"} 1"#,
                #"kith_requests_total{role="cell",route="/code-assist",outcome="refused"} 1"#,
            ] {
                #expect(lines.contains(line[...]), "\(line)\n\(reply.text)")
            }
            let text = try await cell.send(.GET, "/metrics/prometheus", headers: ["Accept": "application/json"])
            #expect(text.text.hasPrefix("# HELP aios_cell_info "))
            let json = try await cell.send(.GET, "/metrics", headers: ["Accept": "application/json"]).json()
            #expect(json["cell_id"] == "desktop-primary")
            #expect(json["consciousness_level"] == 2.5)
            #expect(json["levels"]?["vscode-agent-laptop"] == 2.5)
        }
    }

    @Test("What an unknown path is called makes no series of its own")
    func unknownRoutes() async throws {
        try await RunningCell.run { cell in
            for number in 0..<5 { _ = try await cell.send(.GET, "/nothing/\(number)") }
            let text = try await cell.send(.GET, "/metrics").text
            #expect(text.contains(#"kith_requests_total{role="cell",route="other",outcome="refused"} 5"#))
            #expect(!text.contains("nothing"))
        }
    }

    // MARK: Registration

    private static let discovery = #"{"cell_id":"disc","ip":"192.168.1.5","port":8001,"type":"discovery"}"#

    @Test("A discovery service that comes by is answered")
    func acknowledged() async throws {
        try await RunningCell.run { cell in
            try await cell.expect(
                .POST, "/register", body: Self.discovery, #"{"status": "registered", "cell_id": "disc"}"#)
            let bad = #"{"cell_id":"disc","ip":"8.8.8.8","port":8001}"#
            #expect(try await cell.send(.POST, "/register", bad).status == 422)
            #expect(try await cell.send(.POST, "/register", "{}").status == 422)
        }
    }

    @Test("With the role discovery it is written down, and belongs to whoever came")
    func registered() async throws {
        let registry = RegistryService(
            clock: ManualClock(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await RunningCell.run(registry: registry) { cell in
            #expect(try await cell.send(.POST, "/register", Self.discovery).status == 200)
            #expect(registry.cells().map(\.cellID) == ["disc"])
            let key = try await cell.node.key([.peer])
            let taken = try await cell.send(
                .POST, "/register", headers: ["Authorization": "Bearer \(key)"], Self.discovery)
            #expect(taken.status == 409)
        }
    }
}
