// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting
import Testing

@testable import KithDoctor

@Suite("Services of the seeds, told apart by what they answer")
struct SeedSightTests {
    private static let cell: JSONValue = [
        "status": "healthy", "cell_id": "desktop-primary", "branch": "main", "consciousness_level": 3.2,
        "services": ["code-assist", "consciousness-sync", "health"], "type": "cell",
    ]
    /// As the reference guide has it.
    private static let degraded: JSONValue = [
        "status": "degraded", "services": ["desktop_cell": false, "bridge": true],
        "error": "Desktop AIOS cell not reachable", "desktop_cell_url": "http://192.0.2.128:8000", "connection": "none",
    ]
    private static let discovery: JSONValue = [
        "status": "healthy", "cell_id": "d", "branch": "main", "services": [], "type": "discovery", "hostname": "h",
    ]
    private static let registry: JSONValue = ["peers": [], "count": 0, "my_host": "h"]

    @Test("Each service is known by its answers")
    func identification() {
        #expect(SeedService.identify(health: Self.cell, state: nil, peers: nil) == .cell)
        #expect(SeedService.identify(health: Self.degraded, state: nil, peers: nil) == .bridge)
        #expect(SeedService.identify(health: Self.discovery, state: nil, peers: Self.registry) == .discovery)
        #expect(SeedService.identify(health: nil, state: ["turn_count": 3], peers: nil) == .synthMind)
        #expect(SeedService.identify(health: ["status": "alive"], state: nil, peers: nil) == .synthMind)
        #expect(SeedService.identify(health: ["ok": true], state: nil, peers: nil) == nil)
        #expect(SeedService.identify(health: nil, state: nil, peers: nil) == nil)
    }

    private func answer(
        _ json: JSONValue, status: Int = 200, date: WallTime? = nil
    ) throws -> HTTPTrial {
        .answered(HTTPSighting(status: status, date: date, askedAt: .epoch, body: try JSONBody.encode(json)))
    }

    private func sight(
        _ health: HTTPTrial, peers: HTTPTrial = .closed, port: Int = 8000, expected: SeedService? = nil
    ) -> SeedSight {
        SeedSight(
            address: HTTPAddress(host: "192.0.2.1", port: port), expected: expected, health: health, state: .closed,
            peers: peers, severity: .error)
    }

    @Test("A cell is described")
    func cell() throws {
        let found = sight(try answer(Self.cell)).findings
        #expect(found.map(\.seen) == ["an AIOS cell desktop-primary, level 3.2"])
        #expect(found.first?.severity == .ok)
    }

    @Test("A degraded bridge is a warning that names its error and the next thing to look at")
    func degradedBridge() throws {
        let found = sight(try answer(Self.degraded), port: 3001).findings
        #expect(found.map(\.severity) == [.ok, .warning])
        #expect(found.last?.seen == "the bridge is degraded: Desktop AIOS cell not reachable (http://192.0.2.128:8000)")
        #expect(found.last?.fix?.command == "kith doctor --url http://192.0.2.128:8000")
    }

    @Test(
        "What a bridge says of its cell reaches no shell",
        arguments: ["none: no cell is configured", "http://192.0.2.9:8000/;reboot", "http://$(reboot):8000"])
    func hostileCell(_ text: String) {
        let health: JSONValue = ["status": "degraded", "desktop_cell_url": .string(text)]
        let found = BridgeSight(health: health, address: HTTPAddress(host: "192.0.2.1", port: 3001)).findings
        #expect(found.map(\.severity) == [.warning])
        #expect(found.first?.fix?.command.map { !$0.contains("reboot") } ?? true)
    }

    @Test("A bridge where a cell is expected is named, with the cell's usual port")
    func wrongService() throws {
        let found = sight(try answer(Self.degraded), port: 3001, expected: .cell).findings
        #expect(found.map(\.severity) == [.error])
        #expect(found.first?.seen.contains("an AIOS bridge answers") == true)
        #expect(found.first?.seen.contains("usually on port 8000") == true)
    }

    @Test("A service on another's usual port is worth knowing when nobody said what to expect")
    func unusualPort() throws {
        #expect(sight(try answer(Self.cell), port: 3001).findings.first?.severity == .notice)
    }

    @Test("Entries of a registry that were not heard for 15 s are named")
    func staleEntries() throws {
        let now = WallTime(milliseconds: 1_764_315_402_000)
        let peers: JSONValue = [
            "peers": [
                ["cell_id": "fresh", "last_seen": "2025-11-28T07:36:30Z"],
                ["cell_id": "stale", "last_seen": "2025-11-28T07:36:00.5Z"], ["cell_id": "silent", "last_seen": ""],
            ], "count": 3, "my_host": "h",
        ]
        var view = sight(try answer(Self.discovery), peers: try answer(peers, date: now), port: 8001)
        view.health = try answer(Self.discovery)
        let stale = view.findings.filter(\.isFault)
        #expect(stale.map(\.seen) == ["1 of them have not been heard for more than 15 s: stale"])
    }

    @Test(
        "What is none of them is described by how it answers",
        arguments: [
            (HTTPTrial.silent, "does not answer within"), (.closed, "ends the connection without an answer"),
            (.notHTTP("x"), "does not speak HTTP"),
            (.answered(HTTPSighting(status: 200, contentType: "text/html", body: [])), "a web page answers"),
            (.answered(HTTPSighting(status: 401, body: [])), "wants a key"),
            (.answered(HTTPSighting(status: 500, body: [])), "is broken: /health has status 500"),
            (.answered(HTTPSighting(status: 200, body: Array("{}".utf8))), "another service answers"),
            (.answered(HTTPSighting(status: 404, body: Array("{}".utf8))), "has no /health"),
        ])
    func strangers(_ health: HTTPTrial, _ words: String) {
        let found = sight(health).findings
        #expect(found.map(\.severity) == [.error])
        #expect(found.first?.seen.contains(words) == true)
        #expect(found.first?.fix != nil)
    }

    @Test("A URL with a route leads to its service", arguments: ["/api/generate", "/health", "/peers", ""])
    func routes(_ route: String) throws {
        let url = try #require(HTTPAddress("http://192.0.2.1:8080/base\(route)"))
        #expect(EndpointDiagnosis.service(of: url).description == "http://192.0.2.1:8080/base")
    }

    @Test("Spoilt answers never trap")
    func hostile() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for original in [Self.cell, Self.degraded, Self.discovery, Self.registry] {
            let bytes = try JSONBody.encode(original)
            for _ in 0..<300 {
                let body = Mutations.spoil(bytes, using: &generator)
                let trial = HTTPTrial.answered(HTTPSighting(status: 200, date: .epoch, body: body))
                _ =
                    SeedSight(
                        address: HTTPAddress(host: "192.0.2.1", port: 8000), expected: nil, health: trial, state: trial,
                        peers: trial, severity: .error
                    ).findings
            }
        }
    }
}
