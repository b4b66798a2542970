// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithModel
import KithNode

struct Cluster: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run several nodes on this machine, all of them kin.",
        discussion: """
            EXAMPLES:
              kith cluster up -n 3
              kith cluster up -n 9 --base-port 8080 --detach
              kith cluster up -n 3 --first-node-engine none --engine embedded
              kith cluster down
            """,
        subcommands: [ClusterUp.self, ClusterStatus.self, ClusterDown.self], defaultSubcommand: ClusterStatus.self)
}

/// Which cluster is meant.
struct ClusterFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp("The cluster's folder, with one folder for each node.", valueName: "path"),
        completion: .directory)
    var dir = "./cluster"

    var folder: ClusterFolder { ClusterFolder(path: ProcessEnvironment.current().absolute(dir)) }
}

struct ClusterUp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Start nodes that know each other, and watch over them until Ctrl-C.",
        discussion: """
            Each node has its own folder, instance_PORT, with config/ and state/; its log is state/node.log. The nodes \
            are paired as kin when they first run together, and stay so. A node that dies is started again. One \
            that was stopped is started again alone with: kith up --data-dir cluster/instance_PORT

            EXAMPLES:
              kith cluster up -n 3
              kith cluster up -n 3 --engine count --tokens-per-second 40
              kith cluster up -n 3 --first-node-engine none
            """)

    @Option(name: [.customShort("n"), .long], help: ArgumentHelp("Nodes to start.", valueName: "count"))
    var nodes = 3

    @Option(
        help: ArgumentHelp(
            "The first node's port; the others follow. Without it free ones from 8080 on.", valueName: "port"))
    var basePort: Int?

    @Option(
        help: ArgumentHelp(
            "The first node's port for peers; the others follow. Without it free ones from 7443 on.",
            valueName: "port"))
    var basePeerPort: Int?

    @OptionGroup var cluster: ClusterFlags

    @Option(
        help: ArgumentHelp("The first node's engine, where it differs; none for a node without.", valueName: "kind"))
    var firstNodeEngine: String?

    @OptionGroup(title: "Engine")
    var engineFlags: EngineFlags

    @Option(help: ArgumentHelp("Seconds until every node must have answered.", valueName: "seconds"))
    var wait = 120

    @Flag(help: "Do not start a node again that died.")
    var noRestart = false

    @Flag(help: "Return when all nodes have answered and leave them running; kith cluster down stops them.")
    var detach = false

    @Flag(help: "Print what was started as JSON.")
    var json = false

    func validate() throws {
        guard (1...3_600).contains(wait) else { throw ValidationError("--wait must be from 1 to 3600") }
    }

    func run() async throws {
        try cluster.folder.requireStopped()
        let ports = try await ports()
        let plan = try plan(ports)
        for settings in try engineSettings(of: plan) { try await EngineCheck.requirePresent(settings) }
        try await PortCheck.requireFree(plan)
        let report = ClusterAnnouncement(output: json ? .json : .text)
        if detach {
            let detached = DetachedCluster(
                folder: cluster.folder, plan: plan, arguments: foregroundArguments(ports), limit: .seconds(wait + 10))
            return try report.running(try await detached.start())
        }
        try cluster.folder.write(plan)
        try await ClusterSupervisor(
            plan: plan, folder: cluster.folder, limit: .seconds(wait), deadNodes: noRestart ? .left : .startedAgain,
            announcement: report
        ).run()
    }

    private typealias Ports = (clients: Int, peers: Int)

    /// Those that were asked for; else those that the cluster in this folder had before; else free ones.
    private func ports() async throws -> Ports {
        let clients =
            if let given = basePort ?? cluster.folder.firstPort {
                given
            } else {
                await PortCheck.firstFree(nodes, from: 8_080)
            }
        let peers =
            if let given = try basePeerPort ?? cluster.folder.peerPort(ofNodeOn: clients) {
                given
            } else {
                await PortCheck.firstFree(nodes, from: 7_443)
            }
        return (clients, peers)
    }

    private func plan(_ ports: Ports) throws -> ClusterPlan {
        var shared = engineFlags.settings
        let surroundings = ProcessEnvironment.current()
        if let folder = shared[.engineDirectory] { shared[.engineDirectory] = surroundings.absolute(folder) }
        if let model = shared[.engineModel], model.lowercased().hasSuffix(".gguf") {
            shared[.engineModel] = surroundings.absolute(model)
        }
        return try ClusterPlan(
            count: nodes, basePort: ports.clients, basePeerPort: ports.peers, directory: cluster.folder.path,
            shared: shared, firstNodeEngine: firstNodeEngine)
    }

    /// The engine settings of the first node and of the others; checks all settings of both.
    private func engineSettings(of plan: ClusterPlan) throws -> [EngineSettings] {
        try plan.instances.prefix(2).map { instance in
            try NodeSettings(
                SettingSources(
                    flags: instance.settings.merging([.dataDirectory: instance.directory]) { _, last in last },
                    environment: Terminal.environment, surroundings: .current())
            ).engine
        }
    }

    /// This command once more, without `--detach`, and with the ports that were found.
    private func foregroundArguments(_ ports: Ports) -> [String] {
        ["cluster", "up"] + CommandLine.arguments.dropFirst(3).filter { $0 != "--detach" && $0 != "--json" }
            + (basePort == nil ? ["--base-port", "\(ports.clients)"] : [])
            + (basePeerPort == nil ? ["--base-peer-port", "\(ports.peers)"] : [])
    }
}

struct ClusterStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "List the nodes of a cluster and whether they run.")

    @OptionGroup var cluster: ClusterFlags

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() async throws {
        let record = try cluster.folder.record()
        let nodes = (record?.nodes ?? []).map(ClusterReport.Node.init)
        if json { return try Terminal.printJSON(nodes) }
        guard !nodes.isEmpty else { return Terminal.note("no cluster runs in \(cluster.folder.path)") }
        try Terminal.printLines(Terminal.lines(ClusterReport.self, of: nodes))
    }
}

extension ClusterReport.Node {
    fileprivate init(_ node: ClusterRecord.Node) {
        self.init(
            name: node.name, url: node.url, state: node.process.map(ProcessTable.isAlive) == true ? .running : .stopped,
            pid: node.process?.pid, log: node.log)
    }
}

struct ClusterDown: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Stop all nodes of a cluster.",
        discussion: """
            EXAMPLES:
              kith cluster down
              kith cluster down --dir /tmp/mesh
            """)

    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        guard let record = try cluster.folder.record() else {
            return Terminal.note("no cluster runs in \(cluster.folder.path)")
        }
        // The supervisor stops the nodes itself, so it is stopped first and gets more time than they do.
        try await ProcessEnd.stop([record.supervisor], patience: .seconds(18))
        try await ProcessEnd.stop(record.nodes.compactMap(\.process), patience: .seconds(14))
        try cluster.folder.removeRecord()
        Terminal.note("stopped \(record.nodes.count) nodes")
    }
}
