// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithSurfaceTesting
import KithTesting
import KithTransport
import NIOCore
import NIOHTTP1
import Testing

@Suite("Bridge health", .timeLimit(.minutes(2)))
struct BridgeHealthTests {
    /// As printed in the seeds' guide.
    private static let healthy: JSONValue = [
        "status": "healthy", "services": ["desktop_cell": true, "bridge": true],
        "desktop_cell_info": ["cell_id": "desktop-primary", "branch": "main", "consciousness_level": 3.2],
        "connection": "desktop",
    ]
    private static let degraded: JSONValue = [
        "status": "degraded", "services": ["desktop_cell": false, "bridge": true],
        "error": "Desktop AIOS cell not reachable", "desktop_cell_url": "http://127.0.0.1:1", "connection": "none",
    ]
    private static let added: Set<String> = ["checked_seconds_ago", "upstreams", "queued", "mode_since"]

    private func expect(
        _ body: JSONValue, is guide: JSONValue, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        guard case .object(let members) = body, case .object(let wanted) = guide else {
            Issue.record("no object", sourceLocation: sourceLocation)
            return
        }
        for (key, value) in wanted { #expect(members[key] == value, "\(key)", sourceLocation: sourceLocation) }
        #expect(
            Set(members.keys).subtracting(wanted.keys).isSubset(of: Self.added), sourceLocation: sourceLocation)
    }

    @Test("Healthy is what the guide prints, and says how old it is")
    func healthy() async throws {
        try await SeedCell.serve { _, server in
            try await TestBridge.run([server.address]) { bridge in
                try await bridge.become("healthy")
                let reply = try await bridge.send(.GET, "/health")
                #expect(reply.status == 200)
                let body = try reply.json()
                try expect(body, is: Self.healthy)
                #expect(try #require(body["checked_seconds_ago"]?.doubleValue) < 20)
                #expect(body["queued"] == 0)
                #expect(
                    body["upstreams"] == [
                        [
                            "url": .string(server.address.description), "state": "up", "cell_id": "desktop-primary",
                            "level": 3.2,
                        ]
                    ])
            }
        }
    }

    @Test("Degraded is what the guide prints, with status 200 as upstream had it")
    func degraded() async throws {
        try await TestBridge.run([HTTPAddress(host: "127.0.0.1", port: 1)]) { bridge in
            let isChecked = try await eventually { try await bridge.health()["checked_seconds_ago"] != nil }
            #expect(isChecked)
            let reply = try await bridge.send(.GET, "/health")
            #expect(reply.status == 200)
            try expect(try reply.json(), is: Self.degraded)
            let upstream = try reply.json()["upstreams"]?.arrayValue?.first
            #expect(upstream?["state"] == "down")
            #expect(upstream?["reason"]?.stringValue?.contains("nobody listens") == true, "\(reply.text)")
        }
    }

    @Test("Without any upstream it says so, and has no nulls")
    func nobody() async throws {
        try await TestBridge.run([]) { bridge in
            let body = try await bridge.health()
            #expect(body["desktop_cell_url"]?.stringValue?.hasPrefix("none") == true)
            guard case .object(let members) = body else { return }
            #expect(!members.values.contains(.null))
        }
    }

    @Test("It answers at once while the upstream hangs", arguments: [SeedCell.Manner.hangs, .drips])
    func hanging(manner: SeedCell.Manner) async throws {
        try await SeedCell.serve(manner) { cell, server in
            cell.setIll(true)
            try await TestBridge.run([server.address]) { bridge in
                let began = ContinuousClock.now
                for _ in 0..<50 {
                    let health = try await bridge.health()
                    #expect(health["status"] == "degraded")
                }
                #expect(ContinuousClock.now - began < .seconds(20))  // fifty waits for the upstream would be 37 s
            }
        }
    }

    @Test(
        "Whoever answers rubbish for its health is down, and the reason is told",
        arguments: SeedCell.Manner.allCases.filter { $0 != .well })
    func rubbish(manner: SeedCell.Manner) async throws {
        try await SeedCell.serve(manner) { cell, server in
            cell.setIll(true)
            try await TestBridge.run([server.address]) { bridge in
                let isDown = try await eventually {
                    try await bridge.health()["upstreams"]?.arrayValue?.first?["state"] == "down"
                }
                #expect(isDown)
                #expect(try await bridge.health()["upstreams"]?.arrayValue?.first?["reason"]?.stringValue != "")
                cell.behave(.well)
                try await bridge.become("healthy")
            }
        }
    }

    @Test("Every change of mode is an event, a count and a new time")
    func changes() async throws {
        try await SeedCell.serve { cell, server in
            try await TestBridge.run([server.address]) { bridge in
                let events = try #require(bridge.events.follow())
                try await bridge.become("healthy")
                let since = try await bridge.health()["mode_since"]
                cell.behave(.errorPage)
                cell.setIll(true)
                try await bridge.become("degraded")
                #expect(try await bridge.health()["mode_since"] != since)
                bridge.events.finish()
                var modes: [JSONValue?] = []
                for await case .event(let event, _) in events where event.kind == .bridge {
                    modes.append(event.fields["mode"])
                }
                #expect(modes == ["healthy", "degraded"] || modes == ["degraded"])
                let metrics = try await bridge.send(.GET, "/metrics")
                #expect(metrics.headers.first(name: "content-type") == "text/plain; version=0.0.4; charset=utf-8")
                #expect(metrics.text.contains(#"kith_bridge_mode_changes_total{mode="degraded"} 1"#))
                #expect(metrics.text.contains("kith_bridge_healthy 0"))
            }
        }
    }

    @Test("Who follows the events is told the mode first and then its changes")
    func following() async throws {
        try await SeedCell.serve { cell, server in
            try await TestBridge.run([server.address]) { bridge in
                try await bridge.become("healthy")
                let response = try await bridge.client.stream(.init(.GET, bridge.address, path: "/events"))
                #expect(response.headers.first(name: "content-type") == "text/event-stream")
                var text = ""
                for try await piece in response.body {
                    text += String(buffer: piece)
                    if text.contains(#""mode":"healthy""#) { cell.setIll(true) }
                    cell.behave(.errorPage)
                    if text.contains(#""mode":"degraded""#) { break }
                }
                #expect(text.hasPrefix("event: bridge\ndata: {"))
            }
        }
    }
}
