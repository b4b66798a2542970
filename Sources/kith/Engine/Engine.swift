// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithModel
import KithNode

struct Engine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Install the embedded engine, or see which engine a node would use.",
        discussion: """
            The embedded engine is llama.cpp with a small model, installed once for all nodes of a user. It needs \
            Python 3.10 or newer, and no compiler. With Ollama or llama-server on the machine it is not needed.

            EXAMPLES:
              kith engine install
              kith engine status
            """,
        subcommands: [EngineInstall.self, EngineStatus.self])
}

/// Which node's settings say where the engine is.
struct EngineCommandFlags: ParsableArguments {
    @Option(help: ArgumentHelp("The folder of the node.", valueName: "path"), completion: .directory)
    var dataDir: String?

    @Option(help: ArgumentHelp("Where the embedded engine is installed.", valueName: "path"), completion: .directory)
    var engineDir: String?

    func settings(_ further: [SettingKey: String] = [:]) throws -> EngineSettings {
        var flags = further
        flags[.dataDirectory] = dataDir
        flags[.engineDirectory] = engineDir
        return try NodeSettings(.gather(flags: flags, environment: Terminal.environment)).engine
    }
}
