// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithInference
import KithModel
import KithNode
import KithTransport
import Logging

struct EngineStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say which engine a node would use now and why, and what is installed.",
        discussion: "`kith status` shows the engine of a node that runs.")

    @OptionGroup var engine: EngineCommandFlags

    @Option(name: .customLong("engine"), help: ArgumentHelp("As with kith up.", valueName: "kind"))
    var kind: String?

    @Flag(help: "Print the findings as JSON.")
    var json = false

    func run() async throws {
        let settings = try engine.settings(kind.map { [.engineKind: $0] } ?? [:])
        let factory = EngineFactory(settings: settings, client: UpstreamClient(), logger: Logger(label: "kith"))
        let findings = EngineReport(
            await factory.select(), directory: settings.embedded.directory,
            status: EmbeddedInstaller(directory: settings.embedded.directory).status())
        if json { return try Terminal.printJSON(findings) }
        try Terminal.printLines(findings.lines)
    }
}

/// What `kith engine status` found.
private struct EngineReport: Encodable {
    struct Skip: Encodable {
        var engine: String
        var reason: String
    }

    struct Embedded: Encodable {
        enum State: String, Encodable { case installed, missing, broken }

        var state: State
        var directory: String
        var reason: String?
        var versions: EmbeddedVersions?
    }

    var engine: String
    var reason: String
    var skipped: [Skip]
    var embedded: Embedded

    init(_ selection: EngineSelection, directory: String, status: EmbeddedStatus) {
        engine = selection.engine.name
        reason = selection.reason
        skipped = selection.skipped.map { Skip(engine: $0.name, reason: $0.reason) }
        embedded =
            switch status {
            case .installed(let versions): Embedded(state: .installed, directory: directory, versions: versions)
            case .missing: Embedded(state: .missing, directory: directory)
            case .broken(let reason): Embedded(state: .broken, directory: directory, reason: reason)
            }
    }

    var lines: [String] {
        let kept =
            switch embedded.state {
            case .installed: embedded.versions.map { "\($0.engine) with \($0.model)" } ?? "installed"
            case .missing: "not installed; kith engine install puts it there"
            case .broken: "broken: \(embedded.reason ?? ""); kith engine install mends it"
            }
        return ["engine    \(engine): \(reason)".printable]
            + skipped.map { "skipped   \($0.engine): \($0.reason)".printable }
            + ["embedded  \(kept)".printable, "          \(embedded.directory)".printable]
    }
}

extension EngineSelection.Engine {
    fileprivate var name: String {
        switch self {
        case .ollama: "ollama"
        case .openAI: "openai"
        case .anthropic: "anthropic"
        case .llamaServer: "llama-server"
        case .embedded: "embedded"
        case .echo: "echo"
        case .count: "count"
        case .none: "none"
        }
    }
}
