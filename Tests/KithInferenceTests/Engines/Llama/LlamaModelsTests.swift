// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import Logging
import Testing

@testable import KithInference

@Suite("The models of a llama.cpp server", .serialized, .timeLimit(.minutes(1)))
final class LlamaModelsTests {
    private let folder = FileManager.default.temporaryDirectory.path() + "/kith-llama-models-\(UUID().uuidString)"
    private let process: LlamaProcess
    private var models: LlamaModels { LlamaModels(process: process) }

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let own = folder + "/own.gguf"
        try Data("GGUF".utf8).write(to: URL(fileURLWithPath: own))
        for (name, text) in [("good", "GGUF good"), ("bad", "GGUF bad"), ("slow", "GGUF slow"), ("web", "<html>")] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/\(name).gguf"))
        }
        process = LlamaProcess(
            command: PickyCommand(own: own, folder: folder), logFile: folder + "/engine.log", health: AlwaysHealthy(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    deinit { do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record(error) } }

    /// What the node serves after a restart.
    private var kept: ModelID? { PickyCommand(own: folder + "/own.gguf", folder: folder).shelf?.served?.model }

    private func running(_ body: () async throws -> Void) async throws {
        let task = Task { [process] in try await process.run() }
        let result: Result<Void, any Error>
        do {
            _ = try await process.address(within: .seconds(30))
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        task.cancel()
        try await task.value
        try result.get()
    }

    private func expectToServe(_ model: ModelID) async throws {
        #expect(process.command.model == model)
        _ = try await process.address(within: .seconds(30))
        #expect(try String(contentsOfFile: folder + "/running", encoding: .utf8) == "\(model)\n")
    }

    @Test("One that can be loaded is served, also after a restart, and the engine's own again when that is wanted")
    func good() async throws {
        try await running {
            try await models.load("good", for: nil)
            try await expectToServe("good")
            #expect(kept == "good")
            try await models.load("own", for: nil)
            try await expectToServe("own")
            #expect(kept == nil)
        }
    }

    @Test("One at which the server ends gives way at once to the one before it")
    func bad() async throws {
        try await running {
            try await models.load("good", for: nil)
            let failure = await #expect(throws: ChatError.self) { try await self.models.load("bad", for: nil) }
            #expect(failure?.message.contains("could not start with it") == true)
            try await expectToServe("good")
            #expect(kept == "good")
        }
    }

    @Test("One that is no longer waited for gives way too, and is never kept as the one that is served")
    func left() async throws {
        try await running {
            let task = Task { [models] in try await models.load("slow", for: nil) }
            while process.command.model != "slow" { await Task.yield() }
            #expect(kept == nil)
            let second = await #expect(throws: ChatError.self) { try await self.models.load("good", for: nil) }
            #expect(second?.code == .overloaded)
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await expectToServe("own")
            #expect(kept == nil)
            try await models.load("good", for: nil)
            try await expectToServe("good")
        }
    }

    @Test("What is no GGUF file is refused before the one that runs is given up")
    func noWeights() async throws {
        try await running {
            let child = process.processID
            for name: ModelID in ["web", "nosuch"] {
                await #expect(throws: ChatError.self) { try await self.models.load(name, for: nil) }
            }
            #expect(process.processID == child)
            try await expectToServe("own")
        }
    }
}

/// A server that loads some files, ends at others, and takes for ever for the rest.
private struct PickyCommand: LlamaCommand {
    let own: String
    let folder: String
    let shelf: ModelShelf?
    let trial: ModelTrial?

    init(own: String, folder: String) {
        self.own = own
        self.folder = folder
        shelf = ModelShelf(folder: folder, own: own)
        trial = shelf.map(ModelTrial.init)
    }

    var model: ModelID { trial?.served?.model ?? "own" }
    var embeds: Bool { false }
    var modelFile: String? { trial?.served?.file ?? own }
    var ownModel: OwnModel? { OwnModel(model: "own", file: own) }

    func prepare() async throws -> LlamaLaunch {
        let script = """
            case "$(cat "$1")" in *bad) exit 1;; *slow) exec cat;; esac
            basename "$1" .gguf >"$2/running"; echo '{"address": "http://127.0.0.1:4711"}'; exec cat
            """
        return LlamaLaunch(
            executable: "/bin/sh", arguments: ["-c", script, "server", modelFile ?? own, folder], readiness: .announced)
    }
}

private struct AlwaysHealthy: LlamaHealthChecking {
    func isHealthy(_ address: HTTPAddress, key: Secret) async -> Bool { true }
}
