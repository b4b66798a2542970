// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Logging
import Synchronization
import Testing
@testable import KithNode

@Suite("Whose program the engine was")
struct EngineMemoryTests {
    private func selection(user: UInt32, _ name: String) -> EngineSelection {
        let skip = EngineSelection.Skip(name: "x", reason: "absent")
        let found = EngineFindings.Ollama(
            address: HTTPAddress(host: "127.0.0.1", port: 11_434), owner: ListenerOwner(userID: user, name: name))
        return EngineSelection(
            choice: .automatic,
            findings: EngineFindings(ollama: .success(found), llamaServer: .failure(skip), embedded: .failure(skip)))
    }

    @Test("An engine that has another owner than at the last start is told, once")
    func change() throws {
        let folder = try TemporaryFolder()
        let lines = Mutex<[String]>([])
        let logger = Logger(label: "test") { _ in LineLog { line in lines.withLock { $0.append(line) } } }
        let memory = EngineMemory(stateDirectory: folder.path, logger: logger)
        memory.note(selection(user: 998, "ollama"))
        memory.note(selection(user: 998, "ollama"))
        #expect(lines.withLock { $0 }.isEmpty)
        memory.note(selection(user: 0, "root"))
        memory.note(selection(user: 0, "root"))
        let told = lines.withLock { $0 }
        #expect(told.count == 1 && told[0].contains("ollama") && told[0].contains("root"))
    }
}

private struct LineLog: LogHandler {
    let note: @Sendable (String) -> Void
    var metadata = Logger.Metadata()
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { note("\(event.message) \(event.metadata ?? [:])") }
}
