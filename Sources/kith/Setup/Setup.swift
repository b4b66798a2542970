// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithInference
import KithModel
import KithNode
import KithTransport
import Logging
import SystemPackage

struct Setup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set this machine up: an engine if there is none, a node that runs, and what to do next.",
        discussion: """
            Looks what is here and asks what is not certain; --yes takes the answers that stand in capital letters. It may \
            be run again: what is done stays done.

            EXAMPLES:
              kith setup
              kith setup --yes
              kith setup --yes --lan         and a code, for another machine
              kith setup --yes --join        on that machine: asks for the code
            """)

    @Flag(help: "Ask nothing.")
    var yes = false

    @Flag(
        inversion: .prefixedNo, help: "Let your other machines find this one on the network, and show a pairing code.")
    var lan: Bool?

    @Flag(help: "Pair this machine with the one whose code you have; other machines of yours find it then.")
    var join = false

    @Flag(inversion: .prefixedNo, help: "Install the embedded engine where there is no other.")
    var engine: Bool?

    @Flag(inversion: .prefixedNo, help: "Have the node start with the machine.")
    var service: Bool?

    @Option(help: ArgumentHelp("Make a key of this name too, for a program on another machine.", valueName: "name"))
    var key: String?

    @Option(help: ArgumentHelp("The folder of the node.", valueName: "path"), completion: .directory)
    var dataDir: String?

    func run() async throws {
        let folder = try RunningNode.folder(dataDir)
        let manager = try? await Services.manager(of: nil)
        if let node = try await running(folder, manager) {
            Terminal.note("a node runs on \(node.folder) already, at \(node.client.address)")
            if lan == true || join { try await open(node, manager) }
            return try await finish(running(folder, manager) ?? node, isOpen: lan == true)
        }
        try await provideEngine(manager)
        let isOpen = try join || lan ?? ask("Let your other machines find this one on the network?", usually: false)
        try await startNode(folder, manager, flags: isOpen ? ["--lan"] : [])
        guard let node = try await running(folder, manager) else {
            throw CommandError(.failed, "the node does not run; see kith service logs")
        }
        try await awaitEngine(node.client)
        try await makeKey(node.client)
        try await finish(node, isOpen: isOpen)
    }

    /// Starts a node anew that listens for this machine only.
    private func open(_ node: RunningNode, _ manager: (any ServiceManager)?) async throws {
        // Says which addresses a code would hold.
        guard try await Self.invite(node.client, seconds: 10).isForThisMachineOnly else { return }
        if let manager, try await manager.state().isRunning {
            return try await Services.install(manager, dataDir: dataDir, flags: ["--lan"])
        }
        guard let command = BackgroundNode.command(of: node) else {
            throw CommandError(
                .failed, "that node listens for this machine only, and runs in another terminal; stop it there first")
        }
        try await Down.stop(node)
        try await startInBackground(node.folder, command + ["--lan"])
    }

    private static func invite(_ client: NodeClient, seconds: Int) async throws -> ControlMessage.Invitation {
        try await client.post(
            "/api/invitations", ControlMessage.InvitationRequest(tier: .kin, expiresSeconds: seconds))
    }

    private func startInBackground(_ folder: String, _ command: [String]) async throws {
        let settings = try NodeSettings(.gather(flags: [.dataDirectory: folder], environment: Terminal.environment))
        try await BackgroundNode(settings: settings, command: command).start()
    }

    private func running(_ folder: String, _ manager: (any ServiceManager)?) async throws -> RunningNode? {
        if let node = try RunningNode(dataDirectory: folder) { return node }
        guard dataDir == nil, manager?.scope == .system else { return nil }
        return try RunningNode(dataDirectory: ServiceUnit.systemFolder)
    }

    /// - Parameter usually: The answer of an empty line, and of --yes.
    private func ask(_ question: String, usually: Bool) throws(CommandError) -> Bool {
        if yes { return usually }
        guard Terminal.isTerminal(.standardInput) else {
            throw CommandError(
                .usage, "nobody can be asked here; kith setup --yes asks nothing, kith setup --help names the flags")
        }
        while true {
            Terminal.note("\(question) \(usually ? "[Y/n]" : "[y/N]") ", end: "")
            guard let answer = readLine()?.lowercased() else { throw CommandError(.failed, "nothing was changed") }
            if answer.isEmpty { return usually }
            if ["y", "yes"].contains(answer) { return true }
            if ["n", "no"].contains(answer) { return false }
        }
    }

    private func provideEngine(_ manager: (any ServiceManager)?) async throws {
        let settings = try NodeSettings(
            .gather(flags: dataDir.map { [.dataDirectory: $0] } ?? [:], environment: Terminal.environment)
        ).engine
        let client = UpstreamClient()
        let found = await EngineFactory(
            settings: settings, client: client, logger: NodeLog().logger(label: "kith", level: .error)
        ).select()
        await client.shutDown()
        guard found.engine == .none else { return Terminal.note("the engine is here: \(found.reason)") }
        guard settings.choice == .automatic else { return Terminal.note("no engine: \(found.reason)") }
        let wanted =
            try engine ?? ask("There is no engine here. Install llama.cpp and a small model (110 MB)?", usually: true)
        guard wanted else { return Terminal.note("no engine is installed; the node asks your other machines") }
        var directory = settings.embedded.directory
        if manager?.scope == .system, service != false, dataDir == nil {
            guard try await !Systemd.installsEngine() else { return }
            directory = ServiceUnit.systemFolder + "/engine"
        }
        let installer = EmbeddedInstaller(directory: directory)
        try await Interruption.cancelling {
            try await EngineInstallation(installer: installer, output: .text).run()
        }
    }

    private func startNode(_ folder: String, _ manager: (any ServiceManager)?, flags: [String]) async throws {
        let isOwn = dataDir != nil && manager?.scope == .system
        let wanted: Bool
        if manager == nil || isOwn {
            guard service != true else { _ = try await Services.manager(of: nil); return }
            wanted = false
        } else {
            wanted = try service ?? ask("Start the node with the machine?", usually: true)
        }
        if wanted, let manager {
            try await Services.install(manager, dataDir: dataDir, flags: flags)
        } else {
            try await startInBackground(folder, ["up"] + (dataDir.map { ["--data-dir", $0] } ?? []) + flags)
        }
    }

    /// A model may take a while to load; the node says what it waits for.
    private func awaitEngine(_ client: NodeClient) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        var said = false
        while ContinuousClock.now < deadline {
            let engine = try? await client.get(NodeStatus.self, "/api/status").engine
            guard engine?.state == "loading" else { return }
            if !said { Terminal.note("loading the model …") }
            said = true
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func makeKey(_ client: NodeClient) async throws {
        guard let key else { return }
        let made: ControlMessage.NewKey = try await client.post(
            "/api/keys",
            KeyFlags.request(name: key, scopes: ["chat"], expires: nil, limits: ControlMessage.Limits()))
        try Terminal.printLines([made.key])
        for line in KeysReport.notes(made.details) { Terminal.note(line) }
    }

    private func finish(_ node: RunningNode, isOpen: Bool) async throws {
        if join {
            try await Join.parse(["--data-dir", node.folder]).run()
        } else if isOpen {
            let invitation = try await Self.invite(node.client, seconds: 600)
            try Terminal.printLines([invitation.code])
            for line in InvitationNotes(invitation).lines { Terminal.note(line) }
        }
        Terminal.note(SetupWords.next(isOpen: isOpen || join))
    }
}
