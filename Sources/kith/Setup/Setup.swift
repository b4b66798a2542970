// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithDoctor
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

    @Option(help: ArgumentHelp("The port to listen on, where another program has 8080.", valueName: "port"))
    var port: String?

    @Option(help: ArgumentHelp("Make a key of this name too, for a program on another machine.", valueName: "name"))
    var key: String?

    @Option(help: ArgumentHelp("The folder of the node.", valueName: "path"), completion: .directory)
    var dataDir: String?

    @Argument(help: .hidden)
    var refused: [String] = []

    func validate() throws {
        if let port, UInt16(port) == nil {
            throw ValidationError("'\(port.printable.truncated(toWidth: 40))' is not a port, from 0 to 65535")
        }
        guard let word = refused.first else { return }
        throw ValidationError(
            join
                ? Join.codeIsNoArgument("kith setup --join")
                : "kith setup takes no '\(word.printable.truncated(toWidth: 40))'; kith setup --help names what it takes"
        )
    }

    mutating func run() async throws {
        let folder = try RunningNode.folder(dataDir)
        let manager = try? await Services.manager(of: nil)
        var showsCode = lan == true
        if let node = try await running(folder, manager) {
            try await complete(node, manager)
        } else {
            showsCode = try await begin(folder, manager)
        }
        guard let node = try await running(folder, manager) else {
            throw CommandError(.failed, "the node does not run; see kith service logs")
        }
        try await Interruption.cancelling { [client = node.client] in try await Self.awaitEngine(client) }
        try await makeKey(node.client)
        try await finish(node, showsCode: showsCode)
    }

    /// Does what a node that runs lacks of what is asked for.
    private func complete(_ node: RunningNode, _ manager: (any ServiceManager)?) async throws {
        Terminal.note("a node runs on \(node.folder) already, at \(node.client.address)")
        if let port, Int(port) != node.client.address.port {
            throw CommandError(.usage, "to move it to port \(port): kith down\(ownFlags), then this again")
        }
        guard lan != false else {
            throw CommandError(.usage, "to close a node for other machines: kith down, then kith setup --no-lan")
        }
        let status = try await node.client.get(NodeStatus.self, "/api/status")
        let isAlone = status.engine.kind == nil && !status.peers.contains { $0.tier == Tier.kin.rawValue }
        if engine == true || isAlone && engine != false, try await provideEngine(manager) {
            try await awaitFinding(node.client)
        }
        if lan == true || join { try await open(node, manager) }
    }

    /// - Returns: Whether a code for another machine is wanted.
    private mutating func begin(_ folder: String, _ manager: (any ServiceManager)?) async throws -> Bool {
        let before = BackgroundNode.lastRecord(in: folder)
        let place = SetupPlace(dataDir: dataDir)
        if port == nil {
            port = try await place.otherPort(than: before?.port)
            if port == nil, let last = before?.port { try await place.noteUsualPort(besides: last, flags: ownFlags) }
        }
        // Whoever set this node up before without an engine has decided that.
        if engine == true || before == nil && !DataFolder.holdsNode(folder) { _ = try await provideEngine(manager) }
        let had = try await manager?.flags() ?? []
        let wasOpen = had.contains("--lan") || before?.arguments.contains("--lan") == true || before?.isOpen == true
        var wantsOthers = lan == true
        if lan == nil, !join, !wasOpen {
            join = try ask(
                "Do you have the code of another machine of yours, to pair this one with it?", usually: false)
        }
        if lan == nil, !join, !wasOpen {
            wantsOthers = try ask("Let your other machines find this one on the network?", usually: false)
        }
        try await startNode(
            folder, manager, before: before, had: had, isOpen: join || wantsOthers || lan == nil && wasOpen)
        return wantsOthers
    }

    /// Starts a node anew that listens for this machine only.
    private func open(_ node: RunningNode, _ manager: (any ServiceManager)?) async throws {
        let own = try await node.client.get(ControlMessage.Identity.self, "/api/identity")
        guard own.addresses.allSatisfy(\.isLoopback) else { return }
        if let manager, try await Services.runs(node, by: manager) {
            let flags = try await manager.flags().filter { $0 != "--lan" } + ["--lan"]
            return try await Services.install(
                manager, dataDir: manager.scope == .system ? nil : node.folder, flags: flags)
        }
        guard var record = BackgroundNode.record(of: node) else {
            throw CommandError(
                .failed,
                "that node listens on this machine only, and runs in another terminal; stop it there with Ctrl-C, then this "
                    + "command again")
        }
        Terminal.note("starting it anew, open to your other machines")
        try await Down.stop(node)
        record.arguments.append("--lan")
        record.isOpen = true
        try await BackgroundNode(folder: node.folder, record: record).start()
    }

    private static func invite(_ client: NodeClient, seconds: Int) async throws -> ControlMessage.Invitation {
        try await client.post(
            "/api/invitations", ControlMessage.InvitationRequest(tier: .kin, expiresSeconds: seconds))
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

    /// - Returns: Whether there is an engine now that nodes find by themselves.
    private func provideEngine(_ manager: (any ServiceManager)?) async throws -> Bool {
        let settings = try SetupPlace(dataDir: dataDir).settings([.port: "0"]).engine
        let client = UpstreamClient()
        let found = await EngineFactory(
            settings: settings, client: client, logger: NodeLog().logger(label: "kith", level: .error)
        ).select()
        await client.shutDown()
        guard found.engine == .none else {
            Terminal.note("the engine is here: \(found.reason)")
            return settings.choice == .automatic
        }
        guard settings.choice == .automatic else {
            Terminal.note("no engine: \(found.reason)")
            return false
        }
        let wanted =
            try engine ?? ask("There is no engine here. Install llama.cpp and a small model (110 MB)?", usually: true)
        guard wanted else {
            Terminal.note("no engine is installed; the node asks your other machines")
            return false
        }
        var directory = settings.embedded.directory
        if manager?.scope == .system, service != false, dataDir == nil {
            guard try await !Systemd.installsEngine() else { return true }
            directory = ServiceUnit.systemFolder + "/engine"
        }
        let installer = EmbeddedInstaller(directory: directory)
        try await Interruption.cancelling {
            try await EngineInstallation(installer: installer, output: .text).run()
        }
        return true
    }

    /// A node that had no engine looks for one every few seconds.
    private func awaitFinding(_ client: NodeClient) async throws {
        let deadline = ContinuousClock.now + .seconds(15)
        while ContinuousClock.now < deadline {
            if try await client.get(NodeStatus.self, "/api/status").engine.kind != nil { return }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func startNode(
        _ folder: String, _ manager: (any ServiceManager)?, before: BackgroundNode.Record?, had: [String], isOpen: Bool
    ) async throws {
        let isOwn = dataDir != nil && manager?.scope == .system
        let wanted: Bool
        if manager == nil || isOwn {
            guard service != true else { _ = try await Services.manager(of: nil); return }
            wanted = false
        } else {
            wanted = try service ?? ask("Start the node with the machine?", usually: true)
        }
        let reach =
            (isOpen ? ["--lan"] : []) + (port.map { ["--port", $0] } ?? [])
            + (try port == nil ? [] : SetupPlace(dataDir: dataDir).name(had + (before?.arguments ?? [])))
        if wanted, let manager {
            return try await Services.install(manager, dataDir: dataDir, flags: had.filter { $0 != "--lan" } + reach)
        }
        if var before {  // as it was, with all its flags
            Terminal.note(before.words(with: reach).map { "starting it by: " + $0 } ?? "starting it as it was")
            before.isOpen = isOpen
            before.start(with: reach)
            return try await BackgroundNode(folder: folder, record: before).start()
        }
        let settings = try NodeSettings(.gather(flags: [.dataDirectory: folder], environment: Terminal.environment))
        var record = BackgroundNode.Record(command: ["up"] + reach, settings: settings)
        record.isOpen = isOpen
        try await BackgroundNode(folder: folder, record: record).start()
    }

    /// A model may take a while to load; the node says what it waits for.
    private static func awaitEngine(_ client: NodeClient) async throws {
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
        let address = try await client.get(NodeStatus.self, "/api/status").address
        if HTTPAddress(address)?.isOnLoopback == true { Terminal.note(KeyUse.notReached) }
    }

    private func finish(_ node: RunningNode, showsCode: Bool) async throws {
        if join {
            try await Join.parse(["--data-dir", node.folder]).run()
        } else if showsCode {
            let invitation = try await Self.invite(node.client, seconds: 600)
            try Terminal.printLines([invitation.code])
            for line in InvitationNotes(invitation).lines { Terminal.note(line) }
        }
        let company = try await node.client.get(CompanionMessage.Status.self, "/api/companion")
        if join || showsCode, company.state != "paused", company.exchange_limit > 0, company.token_limit > 0 {
            Terminal.note(CompanyNotice.first(idle: company.threshold_seconds, tokens: company.token_limit))
        }
        let status = try await node.client.get(NodeStatus.self, "/api/status")
        let isPaired = status.peers.contains { $0.tier == Tier.kin.rawValue }
        let own = try await node.client.get(ControlMessage.Identity.self, "/api/identity")
        let isAlone = own.addresses.allSatisfy(\.isLoopback)
        let hasNetwork = LocalNetwork.hasAddress
        if isAlone, hasNetwork,
            status.peers.contains(where: { $0.addresses.contains { PeerAddress($0)?.isLoopback == false } })
        {
            Terminal.note(
                "warning: your other machines cannot reach this one, which listens here only: kith setup --yes --lan\(ownFlags) "
                    + "opens it")
        }
        Terminal.note(
            SetupWords.next(
                canAnswer: status.engine.kind != nil || isPaired,
                lacksModel: status.engine.kind == "ollama" && status.engine.models.isEmpty && !isPaired,
                isPaired: isPaired || showsCode,
                address: "\(node.client.address)", flags: ownFlags))
    }

    /// What another command needs to mean the same node.
    private var ownFlags: String { dataDir.map { " --data-dir " + ShellWord.quoted($0) } ?? "" }
}
