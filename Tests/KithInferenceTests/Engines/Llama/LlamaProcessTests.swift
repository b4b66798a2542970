// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithInference
import KithModel
import KithTesting
import KithTransport
import Logging
import Synchronization
import Testing

@Suite("The supervisor of a llama.cpp server", .serialized, .timeLimit(.minutes(3)))
final class LlamaProcessTests {
    private let folder = FileManager.default.temporaryDirectory.path() + "/kith-llama-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    deinit { do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record(error) } }

    private func process(
        _ script: String, healthy: Bool = true, limits: LlamaLimits = LlamaLimits()
    ) -> LlamaProcess {
        LlamaProcess(
            command: ScriptCommand(script: script), logFile: folder + "/engine.log",
            health: FixedHealth(isHealthy: healthy),
            limits: limits, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs a supervisor while `body` looks at it, and ends it in an orderly way.
    private func running(_ process: LlamaProcess, _ body: () async throws -> Void) async throws {
        let task = Task { try await process.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        task.cancel()
        try await task.value
        try result.get()
    }

    private static let announce = "echo '{\"address\": \"http://127.0.0.1:4711\"}'; cat"

    @Test("Is ready once the server has said where it listens, and leaves no child when it stops")
    func readyAndStopped() async throws {
        let process = process(Self.announce)
        var child: Int32 = 0
        try await running(process) {
            #expect(try await process.address(within: .seconds(60)) == HTTPAddress(host: "127.0.0.1", port: 4_711))
            child = try #require(process.processID)
            #expect(kill(child, 0) == 0)
        }
        #expect(kill(child, 0) != 0)
        #expect(process.state == .stopped)
    }

    @Test("A server gets a key in its environment that no other node's has, and that no command line shows")
    func key() async throws {
        let script =
            #"echo "$LLAMA_API_KEY" > \#(folder)/key; tr '\0' ' ' < /proc/$$/cmdline > \#(folder)/arguments; "#
            + Self.announce
        var keys: Set<String> = []
        for _ in 0..<2 {
            let process = process(script)
            try await running(process) {
                _ = try await process.address(within: .seconds(60))
                let key = try String(contentsOfFile: folder + "/key", encoding: .utf8)
                    .trimmingCharacters(in: .whitespacesAndNewlines)
                #expect(key.count == 64 && key.allSatisfy(\.isHexDigit))
                #expect(!(try String(contentsOfFile: folder + "/arguments", encoding: .utf8).contains(key)))
                keys.insert(key)
            }
        }
        #expect(keys.count == 2)
    }

    @Test("Whoever asks a server through this node shows its key, and its health is asked for without")
    func keyIsShown() async throws {
        let model = #"{"object":"list","data":[{"id":"scripted","object":"model","owned_by":"llamacpp"}]}"#
        try await StubServer.serve { _, answer in
            try await answer.send(model)
        } during: { server in
            let process = process("echo '{\"address\": \"http://127.0.0.1:\(server.address.port)\"}'; cat")
            let client = UpstreamClient()
            try await running(process) {
                _ = try await process.address(within: .seconds(60))
                _ = try await EmbeddedEngine(process: process, slots: 1, client: client).models()
                #expect(await LlamaHealthProbe(client: client).isHealthy(server.address, key: Secret("key")))
            }
            await client.shutDown()
            let shown = try #require(server.requests.first { $0.uri == "/v1/models" }?[header: "authorization"])
            #expect(shown.hasPrefix("Bearer "))
            #expect(shown.dropFirst(7).count == 64)
            #expect(server.requests.first { $0.uri == "/health" }?[header: "authorization"] == "Bearer key")
        }
    }

    @Test("Starts a server that was killed again")
    func restarts() async throws {
        let process = process(Self.announce)
        try await running(process) {
            _ = try await process.address(within: .seconds(60))
            let first = try #require(process.processID)
            kill(first, SIGKILL)
            while process.processID == first || process.processID == nil { await Task.yield() }
            _ = try await process.address(within: .seconds(60))
            #expect(process.processID != first)
        }
    }

    @Test("Lets a server end in its own time, as long as that is short")
    func graceful() async throws {
        let process = process(
            "trap 'echo tidied up >\(folder)/trace; exit 0' TERM; echo '{\"address\": \"http://127.0.0.1:4711\"}'; "
                + "while :; do sleep 0.01; done")
        try await running(process) { _ = try await process.address(within: .seconds(60)) }
        #expect(FileManager.default.fileExists(atPath: folder + "/trace"))
    }

    @Test("Stops a server that ignores SIGTERM and the end of its input")
    func stubborn() async throws {
        let process = process(
            "trap '' TERM; echo '{\"address\": \"http://127.0.0.1:4711\"}'; while :; do sleep 0.01; done",
            limits: LlamaLimits(stop: .milliseconds(100)))
        var child: Int32 = 0
        try await running(process) {
            _ = try await process.address(within: .seconds(60))
            child = try #require(process.processID)
        }
        #expect(kill(child, 0) != 0)
    }

    @Test("Starts a server anew that fails three health checks")
    func unhealthy() async throws {
        let process = process(Self.announce, healthy: false, limits: LlamaLimits(healthInterval: .milliseconds(5)))
        try await running(process) {
            let outage = try await outage(of: process)
            #expect(outage.reason.contains("3 health checks"))
            #expect(outage.restarts == 1)
        }
    }

    @Test("Gives a server up that is not ready in time")
    func neverReady() async throws {
        let process = process("cat", limits: LlamaLimits(ready: .milliseconds(50), readyPoll: .milliseconds(5)))
        try await running(process) {
            let outage = try await outage(of: process)
            #expect(outage.reason.contains("not ready"))
        }
    }

    @Test("Says why a server cannot be started, to those who wait for it too")
    func cannotStart() async throws {
        let command = ScriptCommand(script: "", executable: "/nonexistent/llama-server")
        let process = LlamaProcess(
            command: command, logFile: folder + "/engine.log", health: FixedHealth(isHealthy: true),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await running(process) {
            _ = try await outage(of: process)
            let failure = await #expect(throws: ChatError.self) { try await process.address(within: .zero) }
            #expect(failure?.code == .noEngine)
        }
    }

    @Test("Keeps what the server writes to standard error, and only so much of it")
    func log() async throws {
        let process = process(
            "i=0; while [ $i -lt 120 ]; do head -c 65536 /dev/zero | tr '\\0' x >&2; i=$((i+1)); done; \(Self.announce)"
        )
        try await running(process) { _ = try await process.address(within: .seconds(60)) }
        let sizes = try ["/engine.log", "/engine.log.1"].map {
            try FileManager.default.attributesOfItem(atPath: folder + $0)[.size] as? Int ?? 0
        }
        #expect(sizes.allSatisfy { $0 > 0 && $0 <= 5 << 20 })
    }

    @Test("Gives its child no secret")
    func environment() async throws {
        setenv("KITH_TEST_API_KEY", "do-not-tell", 1)
        let process = process("env >&2; \(Self.announce)")
        try await running(process) { _ = try await process.address(within: .seconds(60)) }
        let log = try String(contentsOfFile: folder + "/engine.log", encoding: .utf8)
        #expect(log.contains("PATH="))
        #expect(!log.contains("do-not-tell"))
    }

    @Test("Is ready when a server that announces nothing answers its health check")
    func polled() async throws {
        let asked = Mutex(0)
        let responder: StubServer.Responder = { _, answer in
            let count = asked.withLock { asked in
                asked += 1
                return asked
            }
            try await answer.send("{}", status: count < 3 ? 503 : 200)
        }
        try await StubServer.serve(responder) { server in
            let client = UpstreamClient()
            let process = LlamaProcess(
                command: ScriptCommand(script: "cat", readiness: .polled(server.address)),
                logFile: folder + "/engine.log", health: LlamaHealthProbe(client: client),
                limits: LlamaLimits(readyPoll: .milliseconds(1)),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await running(process) {
                let address = try await process.address(within: .seconds(60))
                #expect(address == server.address)
            }
            #expect(asked.withLock { $0 } == 3)
            await client.shutDown()
        }
    }

    @Test("Runs the real engine, and has it again after it was killed")
    func realEngine() async throws {
        _ = try await SharedEmbeddedEngine.install()
        let settings = SharedEmbeddedEngine.settings(log: "restart")
        let client = UpstreamClient()
        let process = LlamaProcess(
            command: EmbeddedCommand(settings: settings), logFile: settings.logFile,
            health: LlamaHealthProbe(client: client), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let engine = EmbeddedEngine(process: process, slots: settings.slots, client: client)
        #expect(await engine.health() == .loading)
        try await running(process) {
            let request = ChatRequest("Say hello.", sampling: SamplingOptions(maxTokens: 2, temperature: 0))
            // Asked while it loads: the answer waits.
            let before = try await engine.whole(request).text
            let child = try #require(process.processID)
            kill(child, SIGKILL)
            _ = try await outage(of: process)
            #expect(try await engine.whole(request).text == before)
        }
        await client.shutDown()
        #expect(await engine.health() != .ready)
    }

    private func outage(of process: LlamaProcess) async throws -> LlamaOutage {
        while true {
            try Task.checkCancellation()
            if case .down(let outage) = process.state { return outage }
            await Task.yield()
        }
    }
}

private struct ScriptCommand: LlamaCommand {
    var script: String
    var executable = "/bin/sh"
    var readiness = LlamaLaunch.Readiness.announced

    var model: ModelID { "scripted" }
    var embeds: Bool { false }
    var modelFile: String? { nil }

    func prepare() async throws -> LlamaLaunch {
        LlamaLaunch(executable: executable, arguments: ["-c", script], readiness: readiness)
    }
}

private struct FixedHealth: LlamaHealthChecking {
    var isHealthy: Bool

    func isHealthy(_ address: HTTPAddress, key: Secret) async -> Bool { isHealthy }
}
