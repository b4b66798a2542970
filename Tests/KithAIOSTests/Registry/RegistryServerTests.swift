// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithAIOS
import KithModel
import KithSurfaceTesting
import KithTesting
import Logging
import NIOHTTP1
import Testing

@Suite("Registry server")
struct RegistryServerTests {
    private static let laptop = #"{"cell_id":"laptop","ip":"192.168.1.5","port":8000}"#

    @Test("Health says what the service is")
    func health() async throws {
        try await TestRegistry.run { registry in
            try await registry.expect(
                .GET, "/health",
                """
                {"status": "healthy", "cell_id": "discovery", "branch": "main", "consciousness_level": 2.5,
                 "services": ["discovery"], "type": "discovery", "hostname": "aios.local"}
                """)
        }
    }

    @Test("A cell registers, is listed with every default, heartbeats and leaves")
    func life() async throws {
        try await TestRegistry.run { registry in
            try await registry.expect(.GET, "/peers", #"{"peers": [], "count": 0, "my_host": "AIOS"}"#)
            try await registry.expect(
                .POST, "/register", body: Self.laptop, #"{"status": "registered", "cell_id": "laptop"}"#)
            let listed = try await registry.send(.GET, "/peers").json()
            let seen = try #require(listed["peers"]?.arrayValue?.first?["last_seen"])
            #expect(seen.stringValue?.hasSuffix("Z") == true)
            #expect(seen.stringValue?.utf8.count == "2026-03-01T12:00:00.250000Z".utf8.count)
            #expect(
                listed == [
                    "count": 1, "my_host": "AIOS",
                    "peers": [
                        [
                            "cell_id": "laptop", "ip": "192.168.1.5", "port": 8000, "consciousness_level": 0,
                            "services": [], "branch": "main", "type": "cell", "hostname": "", "last_seen": seen,
                        ]
                    ],
                ])
            try await registry.expect(
                .POST, "/heartbeat", body: #"{"cell_id": "laptop", "consciousness_level": 3.2}"#,
                #"{"status": "ok", "cell_id": "laptop", "peers_count": 1}"#)
            try await registry.expect(
                .POST, "/heartbeat", body: #"{"cell_id": "laptop"}"#,
                #"{"status": "ok", "cell_id": "laptop", "peers_count": 1}"#)
            let level = try await registry.send(.GET, "/peers").json()["peers"]?.arrayValue?.first?[
                "consciousness_level"]
            #expect(level == 3.2)
            try await registry.expect(
                .DELETE, "/peer/laptop", #"{"status": "deregistered", "cell_id": "laptop"}"#)
            try await registry.expect(.DELETE, "/peer/laptop", status: 404, #"{"detail": "Peer not found"}"#)
        }
    }

    @Test("Every way to leave is known")
    func leaving() async throws {
        try await TestRegistry.run { registry in
            let register = {
                _ = try await registry.send(.POST, "/register", #"{"cell_id":"a b","ip":"::1","port":1}"#)
            }
            try await register()
            try await registry.expect(.DELETE, "/unregister/a%20b", #"{"status": "unregistered"}"#)
            try await registry.expect(.DELETE, "/unregister/a%20b", status: 404, #"{"detail": "Peer not found"}"#)
            try await register()
            try await registry.expect(
                .POST, "/deregister", body: #"{"cell_id": "a b"}"#, #"{"status": "deregistered", "cell_id": "a b"}"#)
            try await registry.expect(
                .POST, "/deregister", body: #"{"cell_id": "a b"}"#, status: 404, #"{"detail": "Peer not found"}"#)
        }
    }

    @Test("Metrics tell how many cells there are, and who may read the cells may read them")
    func metrics() async throws {
        try await TestRegistry.run { registry in
            _ = try await registry.send(.POST, "/register", Self.laptop)
            let reply = try await registry.send(.GET, "/metrics")
            #expect(reply.headers.first(name: "Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
            let lines = Set(reply.text.split(separator: "\n"))
            for line in [
                "aios_discovery_peers 1", #"aios_consciousness_level{cell_id="discovery"} 2.5"#,
                #"aios_peer_consciousness_level{cell_id="laptop"} 0"#, "kith_uptime_seconds 0",
                #"kith_requests_total{role="discovery",route="/register",outcome="ok"} 1"#,
            ] {
                #expect(lines.contains(line[...]), "\(line)\n\(reply.text)")
            }
        }
    }

    @Test("An unknown cell is told to register")
    func unknown() async throws {
        try await TestRegistry.run { registry in
            try await registry.expect(
                .POST, "/heartbeat", body: #"{"cell_id": "X", "consciousness_level": 1}"#, status: 404,
                #"{"detail": "Peer X not registered. Call /register first."}"#)
        }
    }

    @Test("A cell that is silent for 15 seconds is gone")
    func expiry() async throws {
        try await TestRegistry.run { registry in
            _ = try await registry.send(.POST, "/register", Self.laptop)
            registry.clock.advance(by: .milliseconds(14_999))
            #expect(try await registry.send(.GET, "/peers").json()["count"] == 1)
            registry.clock.advance(by: .milliseconds(1))
            #expect(try await registry.send(.GET, "/peers").json()["count"] == 0)
        }
    }

    @Test("Numbers written as text are taken, and what a kith node adds is kept")
    func lenient() async throws {
        try await TestRegistry.run { registry in
            let body = """
                {"cell_id":"n","ip":"desk.local","port":"8000","consciousness_level":"2.5","services":["a"],"branch":"dev",
                 "type":"bridge","hostname":"desk","last_seen":"whenever","unknown":{"x":1},
                 "kith":{"peer_port":7443,"version":"1","protocol":1,"id":"rubbish"}}
                """
            #expect(try await registry.send(.POST, "/register", body).status == 200)
            let cell = try await registry.send(.GET, "/peers").json()["peers"]?.arrayValue?.first
            #expect(cell?["port"] == 8000)
            #expect(cell?["consciousness_level"] == 2.5)
            #expect(cell?["kith"] == ["peer_port": 7443, "version": "1", "protocol": 1])
            #expect(cell?["unknown"] == nil)
        }
    }

    @Test(
        "A wrong field is answered as FastAPI does",
        arguments: [
            (
                "{}",
                """
                [{"type":"missing","loc":["body","cell_id"],"msg":"Field required","input":{}},
                 {"type":"missing","loc":["body","ip"],"msg":"Field required","input":{}},
                 {"type":"missing","loc":["body","port"],"msg":"Field required","input":{}}]
                """
            ),
            (
                #"{"cell_id":1,"ip":"::1","port":"x"}"#,
                """
                [{"type":"string_type","loc":["body","cell_id"],"msg":"Input should be a valid string","input":1},
                 {"type":"int_parsing","loc":["body","port"],
                  "msg":"Input should be a valid integer, unable to parse string as an integer","input":"x"}]
                """
            ),
            (
                #"{"cell_id":"a","ip":"::1","port":8000.5,"consciousness_level":"high"}"#,
                """
                [{"type":"int_from_float","loc":["body","port"],
                  "msg":"Input should be a valid integer, got a number with a fractional part","input":8000.5},
                 {"type":"float_parsing","loc":["body","consciousness_level"],
                  "msg":"Input should be a valid number, unable to parse string as a number","input":"high"}]
                """
            ),
            (
                #"{"cell_id":"a","ip":"::1","port":1,"services":["x",2]}"#,
                #"[{"type":"string_type","loc":["body","services",1],"msg":"Input should be a valid string","input":2}]"#
            ),
            (
                #"{"cell_id":"a","ip":"::1","port":1,"services":"x"}"#,
                #"[{"type":"list_type","loc":["body","services"],"msg":"Input should be a valid list","input":"x"}]"#
            ),
            (
                #"{"cell_id":"a","ip":"::1","port":1,"consciousness_level":11}"#,
                """
                [{"type":"value_error","loc":["body","consciousness_level"],
                  "msg":"Value error, 'consciousness_level' must be between 0 and 10","input":11}]
                """
            ),
            (
                #"{"cell_id":"a","ip":"8.8.8.8","port":1}"#,
                """
                [{"type":"value_error","loc":["body","ip"],"input":"8.8.8.8",
                  "msg":"Value error, 'ip' is outside loopback and private ranges; the registry's owner can allow it"}]
                """
            ),
            (
                "[1]",
                """
                [{"type":"model_attributes_type","loc":["body"],"input":[1],
                  "msg":"Input should be a valid dictionary or object to extract fields from"}]
                """
            ),
            ("{", #"[{"type":"json_invalid","loc":["body",0],"msg":"JSON decode error","input":{}}]"#),
            ("", #"[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]"#),
        ])
    func wrongField(body: String, detail: String) async throws {
        try await TestRegistry.run { registry in
            try await registry.expect(.POST, "/register", body: body, status: 422, #"{"detail": \#(detail)}"#)
            #expect(try await registry.send(.GET, "/peers").json()["count"] == 0)
        }
    }

    @Test(
        "Other refusals have the same shape",
        arguments: [
            (HTTPMethod.GET, "/nothing", 404, "Not Found"), (.GET, "/register", 405, "Method Not Allowed"),
            (.DELETE, "/peer/x", 404, "Peer not found"), (.DELETE, "/peer/%zz", 404, "Peer not found"),
            (.PUT, "/peer/x", 405, "Method Not Allowed"),
        ])
    func refusals(method: HTTPMethod, path: String, status: Int, detail: String) async throws {
        try await TestRegistry.run { registry in
            try await registry.expect(method, path, status: status, #"{"detail": "\#(detail)"}"#)
        }
    }

    @Test("A body over the limit is refused, and the service goes on")
    func large() async throws {
        try await TestRegistry.run { registry in
            let body = #"{"cell_id":"\#(String(repeating: "x", count: 70_000))"}"#
            let reply = try await registry.send(.POST, "/register", body)
            #expect(reply.status == 413)
            #expect(try await registry.send(.GET, "/health").status == 200)
        }
    }

    @Test("An id belongs to whoever registered it, and reading stays open to all")
    func owners() async throws {
        let byKey: RegistryAccess.Rule = { caller in
            guard let name = caller.head.headerFields[.authorization] else { return .refused("a key is needed") }
            return .allowed(.principal(name))
        }
        try await TestRegistry.run(authorise: byKey) { registry in
            try await registry.expect(
                .POST, "/register", body: Self.laptop, status: 401, #"{"detail": "a key is needed"}"#)
            let (mine, yours): (HTTPHeaders, HTTPHeaders) = (
                ["Authorization": "Bearer a"], ["Authorization": "Bearer b"]
            )
            #expect(try await registry.send(.POST, "/register", headers: mine, Self.laptop).status == 200)
            #expect(try await registry.send(.POST, "/register", headers: yours, Self.laptop).status == 409)
            let beat = #"{"cell_id":"laptop","consciousness_level":9}"#
            #expect(try await registry.send(.POST, "/heartbeat", headers: yours, beat).status == 403)
            #expect(try await registry.send(.DELETE, "/peer/laptop", headers: yours).status == 403)
            #expect(try await registry.send(.DELETE, "/unregister/laptop").status == 401)
            #expect(try await registry.send(.GET, "/peers").json()["count"] == 1)
            #expect(try await registry.send(.DELETE, "/peer/laptop", headers: mine).status == 200)
        }
    }

    @Test("Without keys only this machine may register")
    func loopbackOnly() async {
        let rule = RegistryAccess.loopbackOnly
        let head = HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/register")
        #expect(await rule(RegistryCaller(head: head, remoteAddress: "127.0.0.1")) == .allowed(.address("loopback")))
        for remote in ["192.168.1.4", "fd00::1", nil] as [String?] {
            guard case .refused = await rule(RegistryCaller(head: head, remoteAddress: remote)) else {
                Issue.record("\(remote ?? "nobody") was let in")
                continue
            }
        }
    }

    @Test("Entries survive a restart of the service")
    func restart() async throws {
        let storage = MemoryStorage()
        try await TestRegistry.run(storage: storage) { registry in
            _ = try await registry.send(.POST, "/register", Self.laptop)
        }
        #expect(storage.saves == 1)
        try await TestRegistry.run(storage: storage) { registry in
            #expect(try await registry.send(.GET, "/peers").json()["count"] == 1)
            try await registry.expect(
                .POST, "/heartbeat", body: #"{"cell_id": "laptop"}"#,
                #"{"status": "ok", "cell_id": "laptop", "peers_count": 1}"#)
        }
    }

    @Test("What could not be saved is saved later")
    func failingStorage() async throws {
        let storage = MemoryStorage()
        storage.fail(true)
        try await TestRegistry.run(storage: storage) { registry in
            _ = try await registry.send(.POST, "/register", Self.laptop)
            while storage.saves == 0 {
                registry.clock.advance(by: .milliseconds(100))
                await Task.yield()
            }
            storage.fail(false)
        }
        #expect(storage.bytes != nil)
    }

    @Test("Heartbeats alone are saved once a minute")
    func heartbeatSaves() async throws {
        let storage = MemoryStorage()
        try await TestRegistry.run(storage: storage) { registry in
            _ = try await registry.send(.POST, "/register", Self.laptop)
            for _ in 0..<24 {
                while registry.clock.sleeperCount == 0 { await Task.yield() }
                registry.clock.advance(by: .seconds(5))
                while registry.clock.sleeperCount == 0 { await Task.yield() }
                _ = try await registry.send(.POST, "/heartbeat", #"{"cell_id": "laptop"}"#)
            }
            #expect(storage.saves == 2)
        }
        #expect(storage.saves == 3)
    }

    @Test("A spoilt archive is read or left, and never traps", arguments: 1...10 as ClosedRange<UInt64>)
    func spoiltArchive(seed: UInt64) async throws {
        print("seed \(seed)")
        let storage = MemoryStorage()
        try await TestRegistry.run(storage: storage) { registry in
            _ = try await registry.send(.POST, "/register", Self.laptop)
        }
        var generator = SeededGenerator(seed: seed)
        let bytes = try #require(storage.bytes)
        for _ in 0..<100 {
            let clock = ManualClock()
            let service = RegistryService(
                storage: MemoryStorage(Mutations.spoil(bytes, using: &generator)), clock: clock,
                logger: .init(label: "test") { _ in SwiftLogNoOpLogHandler() })
            await service.restore()
            #expect(service.cells().count <= 1)
        }
    }

    @Test("A spoilt body is taken or refused, and the service goes on", arguments: 1...4 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) async throws {
        print("seed \(seed)")
        try await TestRegistry.run { registry in
            var generator = SeededGenerator(seed: seed)
            let body = Array(
                #"{"cell_id":"n","ip":"10.0.0.1","port":8000,"consciousness_level":2.5,"services":["a"],"kith":{"peer_port":1}}"#
                    .utf8)
            for path in ["/register", "/heartbeat", "/deregister"] {
                for _ in 0..<60 {
                    let spoilt = String(decoding: Mutations.spoil(body, using: &generator), as: UTF8.self)
                    let reply = try await registry.send(.POST, path, spoilt)
                    #expect([200, 404, 422].contains(reply.status))
                    #expect(try reply.status == 200 || reply.json()["detail"] != nil)
                }
            }
            for cell in registry.service.cells() { #expect(CellInfo.levels.contains(cell.level)) }
        }
    }
}
