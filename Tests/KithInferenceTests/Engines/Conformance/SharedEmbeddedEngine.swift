// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithInference
import KithModel
import KithTransport
import Logging
import Synchronization

/// The real embedded engine, installed once and run once for all tests; it ends with the test process.
actor SharedEmbeddedEngine {
    static let shared = SharedEmbeddedEngine()

    /// `KITH_ENGINE_DIR`, or `.build/engine` of this package; kept from run to run.
    static let directory: String = {
        if let given = ProcessInfo.processInfo.environment["KITH_ENGINE_DIR"] { return given }
        let package = URL(filePath: #filePath).pathComponents.dropLast(5).joined(separator: "/").dropFirst()
        return package + "/.build/engine"
    }()

    private var running: Task<EngineFixture, any Error>?

    func fixture() async throws -> EngineFixture {
        let task = running ?? Task { try await Self.start() }
        running = task
        return try await task.value
    }

    /// Installs the engine unless it is there; takes seconds when it is not.
    static func install() async throws -> EmbeddedVersions {
        try await EmbeddedInstaller(directory: directory).install()
    }

    static func settings(log: String) -> EmbeddedSettings {
        EmbeddedSettings(
            directory: directory,
            logFile: FileManager.default.temporaryDirectory.path()
                + "/kith-\(log)-\(ProcessInfo.processInfo.processIdentifier).log",
            contextLength: 1_024, slots: 2, threads: 2)
    }

    private static func start() async throws -> EngineFixture {
        _ = try await install()
        let settings = settings(log: "conformance")
        let client = UpstreamClient()
        let process = LlamaProcess(
            command: EmbeddedCommand(settings: settings), logFile: settings.logFile,
            health: LlamaHealthProbe(client: client), logger: Logger(label: "test"))
        Task { try await process.run() }
        _ = try await process.address(within: .seconds(120))
        let seen = SeenCount()
        return EngineFixture(
            engine: EmbeddedEngine(process: process, slots: settings.slots, client: client),
            model: process.command.model, prompt: "Tell me a short story about a river.",
            longRequest: ChatRequest(
                "Write a very long story about the sea.", sampling: SamplingOptions(maxTokens: 900)),
            generationGivenUp: {
                // llama.cpp says so in its log, and nowhere else.
                let before = seen.count.withLock { $0 }
                var now = before
                while now == before {
                    try await Task.sleep(for: .milliseconds(50))
                    now = try String(contentsOfFile: settings.logFile, encoding: .utf8).ranges(of: "cancel task").count
                }
                seen.count.withLock { [now] in $0 = now }
            })
    }
}

/// How many given-up generations earlier tests have accounted for.
private final class SeenCount: Sendable {
    let count = Mutex(0)
}
