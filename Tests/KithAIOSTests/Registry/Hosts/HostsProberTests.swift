// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithDialects
import KithModel
import KithTesting
import KithTransport
import Logging
import Synchronization
import Testing

@Suite("Asking the hosts of a file", .timeLimit(.minutes(1)))
struct HostsProberTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A prober and its registry on a clock that a test moves.
    private struct Scene {
        let clock = ManualClock()
        let registry: RegistryService
        let upstream = UpstreamClient()

        init() { registry = RegistryService(clock: clock, logger: HostsProberTests.logger) }

        /// Asks these ports for as long as `body` runs.
        func ask(
            _ ports: [Int], timeout: Duration = .seconds(10), during body: () async throws -> Void
        ) async throws {
            let hosts = HostsFile(
                hosts: [HostsFile.Host(name: "here", addresses: ["127.0.0.1"])], ports: ports, timeout: timeout)
            let prober = HostsProber(
                hosts: hosts, registry: registry, upstream: upstream, clock: clock, logger: HostsProberTests.logger
            ) { CellInfo(cellID: "me", ip: "127.0.0.1", port: 8080, level: 1.5, type: "kith") }
            let run = Task { await prober.run() }
            do {
                try await body()
            } catch {
                run.cancel()
                await run.value
                throw error
            }
            run.cancel()
            await run.value
            await upstream.shutDown()
        }

        var ids: [String] { registry.cells().map(\.cellID) }

        func wait(_ what: String, until isSo: () -> Bool) async throws {
            let deadline = ContinuousClock.now + .seconds(20)
            while !isSo() {
                guard ContinuousClock.now < deadline else { throw Impatience(what: what) }
                try await Task.sleep(for: .milliseconds(2))
            }
        }
    }

    private struct Impatience: Error { var what: String }

    private static func cell(_ id: String, level: Double = 2) -> StubServer.Responder {
        { request, answer in
            switch request.uri {
            case "/health":
                try await answer.send(
                    #"{"status":"healthy","cell_id":"\#(id)","branch":"main","consciousness_level":\#(level),"#
                        + #""services":["health"],"type":"cell"}"#)
            case "/register": try await answer.send(#"{"status":"registered","cell_id":"me"}"#)
            default: try await answer.send(#"{"detail":"Not Found"}"#, status: 404)
            }
        }
    }

    @Test("A cell that answers is entered with where it is, and told of this node")
    func found() async throws {
        let scene = Scene()
        try await StubServer.serve(Self.cell("lab", level: 3.2)) { server in
            try await scene.ask([server.address.port]) {
                try await scene.wait("the cell and its being told") {
                    scene.ids == ["lab"] && server.requests.count == 2
                }
                let entered = try #require(scene.registry.cells().first)
                #expect(entered.port == server.address.port)
                #expect(entered.level == 3.2)
                let told = try #require(server.requests.last)
                #expect(told.method == "POST" && told.uri == "/register")
                let body = try JSONBody.decode(JSONValue.self, from: told.body)
                #expect(body["cell_id"] == "me")
                #expect(body["consciousness_level"] == 1.5)
            }
        }
    }

    @Test("It stays entered for as long as it answers, and its level follows")
    func renewed() async throws {
        let scene = Scene()
        try await StubServer.serve(Self.cell("lab")) { server in
            try await scene.ask([server.address.port]) {
                try await scene.wait("rest") { scene.clock.sleeperCount == 1 }
                for _ in 0..<8 {
                    scene.clock.advance(by: HostsProber.heartbeat)
                    try await scene.wait("rest") { scene.clock.sleeperCount == 1 }
                    #expect(scene.ids == ["lab"])
                }
            }
        }
    }

    @Test("One that does not answer any more expires, and is found again when it does")
    func gone() async throws {
        let scene = Scene()
        let isSilent = Atomic(false)
        let cell = Self.cell("lab")
        try await StubServer.serve {
            if isSilent.load(ordering: .relaxed) { $1.cut() } else { try await cell($0, $1) }
        } during: { server in
            try await scene.ask([server.address.port]) {
                func pass(_ duration: Duration, times: Int = 1) async throws {
                    for _ in 0..<times {
                        try await scene.wait("rest") { scene.clock.sleeperCount == 1 }
                        scene.clock.advance(by: duration)
                    }
                    try await scene.wait("rest") { scene.clock.sleeperCount == 1 }
                }
                try await pass(HostsProber.heartbeat)
                isSilent.store(true, ordering: .relaxed)
                try await pass(HostsProber.heartbeat, times: 2)
                #expect(scene.ids == ["lab"])
                try await pass(HostsProber.heartbeat)
                #expect(scene.ids.isEmpty)
                isSilent.store(false, ordering: .relaxed)
                try await pass(.seconds(30))
                #expect(scene.ids == ["lab"])
            }
        }
    }

    @Test("A port that hangs delays no other")
    func hanging() async throws {
        let scene = Scene()
        try await StubServer.serve({ _, answer in try await answer.hang() }) { hanging in
            try await StubServer.serve(Self.cell("lab")) { server in
                let listeners = [hanging.address.port, server.address.port]
                try await scene.ask(listeners, timeout: .seconds(30)) {
                    try await scene.wait("the cell beside the one that hangs") { scene.ids == ["lab"] }
                }
            }
        }
    }

    @Test("One whose /register hangs is entered all the same, and kept")
    func hangingRegistration() async throws {
        let scene = Scene()
        let cell = Self.cell("lab")
        try await StubServer.serve {
            if $0.uri == "/register" { try await $1.hang() } else { try await cell($0, $1) }
        } during: { server in
            try await scene.ask([server.address.port], timeout: .milliseconds(100)) {
                try await scene.wait("the cell") { scene.ids == ["lab"] }
                try await scene.wait("rest") { scene.clock.sleeperCount == 1 }
            }
        }
    }

    @Test("What is no cell is neither entered nor told anything")
    func foreign() async throws {
        let scene = Scene()
        let node = #"{"status":"healthy","timestamp":"t","version":"1","checks":{}}"#
        try await StubServer.serve({ try await $1.send(node) }) { first in
            try await StubServer.serve({ try await $1.send("<html>", contentType: "text/html") }) { second in
                try await scene.ask([first.address.port, second.address.port]) {
                    try await scene.wait("rest") { scene.clock.sleeperCount == 2 }
                    #expect(scene.ids.isEmpty)
                    #expect(first.requests.map(\.method) + second.requests.map(\.method) == ["GET", "GET"])
                }
            }
        }
    }

    @Test("This node is not entered into its own registry")
    func itself() async throws {
        let scene = Scene()
        try await StubServer.serve(Self.cell("me")) { server in
            try await scene.ask([server.address.port]) {
                try await scene.wait("rest") { scene.clock.sleeperCount == 1 }
                #expect(scene.ids.isEmpty)
                #expect(server.requests.map(\.uri) == ["/health"])
            }
        }
    }

    @Test("Of two ports with one id the first in the file is the cell's")
    func twoPorts() async throws {
        let scene = Scene()
        try await StubServer.serve(Self.cell("lab")) { first in
            try await StubServer.serve(Self.cell("lab")) { second in
                try await scene.ask([first.address.port, second.address.port]) {
                    for _ in 0..<4 {
                        try await scene.wait("rest") { scene.clock.sleeperCount == 2 }
                        #expect(scene.registry.cells().map(\.port) == [first.address.port])
                        scene.clock.advance(by: HostsProber.heartbeat)
                    }
                }
            }
        }
    }
}
