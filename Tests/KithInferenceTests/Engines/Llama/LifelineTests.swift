// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithInference
import KithModel
import Subprocess
import Testing

@Suite("A server whose node has gone", .serialized, .timeLimit(.minutes(2)))
struct LifelineTests {
    private let folder = FileManager.default.temporaryDirectory.path() + "/kith-lifeline-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    /// Lets a shell start the server and hold its lifeline, as a node does, and kills the shell without warning once
    /// `lines` lines have been printed, of which the first is the server's process id.
    private func expectToEndWithItsParent(_ launch: LlamaLaunch, afterLines lines: Int) async throws {
        let script =
            "mkfifo \(folder)/fifo; \"$@\" <\(folder)/fifo & exec 3>\(folder)/fifo; echo $!; exec sleep 600 1>&-"
        let launched = try await Subprocess.run(
            .name("sh"), arguments: Arguments(["-c", script, "node", launch.executable] + launch.arguments),
            input: .none, output: .sequence, error: .discarded
        ) { execution -> Int32 in
            var seen = 0
            var server: Int32?
            // The sequence ends when nobody holds standard output any more: when the server has ended.
            for try await line in execution.standardOutput.strings() {
                server = server ?? Int32(line)
                seen += 1
                if seen == lines { kill(execution.processIdentifier.value, SIGKILL) }
            }
            return try #require(server)
        }
        let server = launched.closureResult
        while kill(server, 0) == 0, !Self.isZombie(server) { await Task.yield() }
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test("Ends, though the node was killed: the guarded llama-server")
    func guarded() async throws {
        let command = LlamaServerCommand(
            executable: "/bin/sleep", file: "/models/some.gguf",
            settings: EmbeddedSettings(directory: folder, logFile: folder + "/log"))
        var launch = try await command.prepare()
        launch.arguments = [launch.arguments[0], "/bin/sleep", "500"]
        try await expectToEndWithItsParent(launch, afterLines: 1)
    }

    @Test("Ends, though the node was killed: the embedded engine")
    func embedded() async throws {
        _ = try await SharedEmbeddedEngine.install()
        var launch = try await EmbeddedCommand(settings: SharedEmbeddedEngine.settings(log: "lifeline")).prepare()
        // Its parent here is the shell, not this process.
        let parent = try #require(launch.arguments.firstIndex(of: "--parent"))
        launch.arguments.removeSubrange(parent...(parent + 1))
        try await expectToEndWithItsParent(launch, afterLines: 2)
    }

    /// In a container nobody may reap what lost its parent.
    private static func isZombie(_ process: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return status.contains(") Z ")
    }
}
