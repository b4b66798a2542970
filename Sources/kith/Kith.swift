// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithInference
import KithModel
import KithNode
import KithTransport
import Logging

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The root of the command line.
struct Kith: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kith",
        abstract: "Joins the machines you own into one private network of AI assistants.",
        discussion: """
            Every machine runs one node. Ask any node; the mesh answers, even when the node asked has no model.

            EXAMPLES:
              kith setup                     an engine and a node that runs, in a minute
              kith up                        start a node by hand, on http://127.0.0.1:8080
              kith ask why is the sky blue   an answer
              kith chat                      a conversation
              kith launch claude             a coding agent that asks this node
              kith dashboard                 the node's page in a browser
              kith invite --tier kin         pair another machine; kith join there
              kith cluster up -n 3           three nodes on this machine, to try things out
              kith top                       machines, models and requests, live
              kith trace                     how requests went, across machines
              kith doctor                    say what is wrong, and what mends it
              kith explain no_engine         what a word of an error means

            \(ExitStatus.explanation)

            `kith settings` lists all settings. Shell completions: kith --generate-completion-script bash|zsh|fish
            """,
        version: BuildVersion.text,
        groupedSubcommands: [
            CommandGroup(
                name: "Node",
                subcommands: [Setup.self, Up.self, Down.self, Status.self, Dashboard.self, Pause.self, Drain.self]),
            CommandGroup(name: "Prompt", subcommands: [Ask.self, Chat.self, Session.self, Launch.self, Route.self]),
            CommandGroup(name: "Model", subcommands: [Model.self, Place.self, Engine.self]),
            CommandGroup(
                name: "Machine",
                subcommands: [
                    Invite.self, Join.self, Peers.self, Rename.self, ChangeTier.self, Forget.self, Wake.self, ID.self,
                    Rekey.self,
                ]),
            CommandGroup(
                name: "Sharing",
                subcommands: [Context.self, Level.self, Sync.self, Companion.self, Culture.self]),
            CommandGroup(name: "Key", subcommands: [Key.self, Usage.self]),
            CommandGroup(
                name: "Watching",
                subcommands: [
                    Top.self, Trace.self, Logs.self, Events.self, Alerts.self, Audit.self, Doctor.self, Explain.self,
                ]),
            CommandGroup(
                name: "Upkeep",
                subcommands: [Settings.self, Service.self, Cluster.self, SelfUpdate.self, Uninstall.self]),
        ])

    /// Without a command: how things are, and the next step.
    func run() async throws {
        let settings = try NodeSettings(.gather(flags: [:], environment: Terminal.environment))
        if let node = try RunningNode.found() {
            return try Terminal.printLines(SetupWords.running(at: "\(node.client.address)"))
        }
        guard !DataFolder.holdsNode(settings.dataDirectory) else { return try Terminal.printLines(SetupWords.stopped) }
        let client = UpstreamClient()
        // An engine may have the port that a node usually takes.
        let engine = try NodeSettings(.gather(flags: [.port: "0"], environment: Terminal.environment)).engine
        let found = await EngineFactory(
            settings: engine, client: client, logger: NodeLog().logger(label: "kith", level: .error)
        ).select()
        await client.shutDown()
        try Terminal.printLines(SetupWords.first(engine: found.engine == .none ? nil : found.reason))
    }
}

/// Runs what the command line says and ends the process.
enum CommandLineRun {
    @concurrent
    static func run(_ arguments: [String]) async -> Never {
        // What tells nodes that the machine sleeps (deploy/systemd/kith-sleep) goes to every program of this name, and would end
        // the others, and a node that is just starting.
        for sleepSignal in [SIGUSR1, SIGUSR2] { signal(sleepSignal, SIG_IGN) }
        // The parser shows the help of kith for a command that it does not know.
        if arguments.first == "help", let refusal = unknownCommand(Array(arguments.dropFirst()), ValidationError("")) {
            exit(with: refusal)
        }
        do {
            var command = try Kith.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            exit(with: unknownCommand(arguments, error) ?? misspeltHelp(arguments, error) ?? error)
        }
        Terminal.exit(.ok)
    }

    /// An error for a flag that nearly is `--help`: the parser proposes one that it nearly is too, such as `--all`.
    private static func misspeltHelp(_ arguments: [String], _ error: any Error) -> CommandError? {
        guard Kith.exitCode(for: error) == .validationFailure else { return nil }
        let flag = arguments.first { argument in
            argument != "--help" && NameSuggestion.nearest(to: argument, among: ["--help"], limit: 2) != nil
                && Kith.message(for: error).contains("'\(argument)'")
        }
        return flag.map {
            CommandError(.usage, "there is no flag \($0.printable.truncated(toWidth: 40)); did you mean --help?")
        }
    }

    /// An error for an unknown command, which the parser calls an unexpected argument.
    private static func unknownCommand(_ arguments: [String], _ error: any Error) -> CommandError? {
        var (path, command): (String, any ParsableCommand.Type) = ("kith", Kith.self)
        for word in arguments {
            let subcommands = command.configuration.subcommands
            guard !subcommands.isEmpty, !word.hasPrefix("-") else { return nil }
            if let next = subcommands.first(where: { $0._commandName == word }) {
                (path, command) = ("\(path) \(word)", next)
                continue
            }
            // Below the root a word may also belong to the command that is meant without one.
            guard path == "kith" ? word != "help" : Kith.exitCode(for: error) == .validationFailure else { return nil }
            return unknown(word, of: path, among: subcommands.map { $0._commandName })
        }
        return nil
    }

    private static func unknown(_ word: String, of path: String, among names: [String]) -> CommandError {
        let meant = path == "kith" ? otherWords[word.lowercased()] : nil
        let nearest = meant == nil ? NameSuggestion.nearest(to: word, among: names, limit: 2) : nil
        let hint =
            meant.map { "; \($0)" } ?? nearest.map { "; did you mean \(path) \($0)?" }
            ?? (path == "kith"
                ? "; kith --help lists them" : "; there is " + names.map { "\(path) \($0)" }.joined(separator: ", "))
        let whole = (path.dropFirst(5) + (path == "kith" ? "" : " ") + word).description
        return CommandError(.usage, "there is no command '\(whole.printable.truncated(toWidth: 40))'\(hint)")
    }

    /// What other programs call the same.
    private static let otherWords = [
        "stop": "kith down stops the node", "start": "kith setup, or kith up --background, starts a node",
        "run": "kith up runs a node, kith chat talks with a model", "serve": "kith up runs a node",
        "install": "kith setup sets this machine up, kith engine install installs an engine",
        "pair": "kith invite here and kith join there pair two machines", "version": "kith --version says it",
        "models": "kith model list lists them", "list": "kith model list lists the models",
        "pull": "kith model pull gets a model", "ps": "kith model list shows what is loaded",
        "config": "kith settings lists all settings", "update": "kith self-update takes a newer version",
        "upgrade": "kith self-update takes a newer version",
    ]

    private static func exit(with error: any Error) -> Never {
        switch error {
        case let failure as CommandError: fail(failure)
        case let problem as SettingError: fail(CommandError(.usage, problem.description))
        case is CancellationError: fail(CommandError(.interrupted))
        default: break
        }
        let code = Kith.exitCode(for: error)
        if code == .success { Kith.exit(withError: error) }
        guard code == .validationFailure else { fail(CommandError(.failed, "\(error)")) }
        let hint = Kith.fullMessage(for: error).split(whereSeparator: \.isNewline).last { $0.contains("--help") }
        let reason = Kith.message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
        let end = reason.last.map { ".!?".contains($0) } == true ? " " : ". "
        let words = hint.map { end + $0.drop { $0 == " " } } ?? ""
        fail(CommandError(.usage, reason + words))
    }

    private static func fail(_ failure: CommandError) -> Never {
        if !failure.message.isEmpty {
            let message = failure.message.split(whereSeparator: \.isNewline).joined(separator: " ")
            Terminal.note(Terminal.errorStyle.red("kith:") + " " + message)
        }
        Terminal.exit(failure.status)
    }
}
