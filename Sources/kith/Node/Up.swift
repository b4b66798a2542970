// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithModel
import KithNode
import Logging

struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start a node and keep it running.",
        discussion: """
            The node's settings come from flags, the environment, .env and config/kith.yaml in its data folder, in this \
            order; `kith settings` lists them. Ctrl-C stops the node.

            EXAMPLES:
              kith up
              kith up --port 8081 --engine ollama --model llama3.2
              kith up --lan --engine none
              kith up --data-dir cluster/instance_8083
            """)

    @Option(help: ArgumentHelp("The node's folder.", valueName: "path"), completion: .directory)
    var dataDir: String?

    @Option(help: ArgumentHelp("What the node is called.", valueName: "name"))
    var name: String?

    @Option(help: ArgumentHelp("The address to listen on.", valueName: "address"))
    var host: String?

    @Option(help: ArgumentHelp("The port to listen on; 0 takes a free one.", valueName: "port"))
    var port: String?

    @Option(
        help: ArgumentHelp(
            "A peer, in the form of a line of config/peers.txt. May be repeated.", valueName: "url"))
    var peer: [String] = []

    @Option(help: ArgumentHelp("The node's declared level, 0 to 10.", valueName: "level"))
    var level: String?

    @OptionGroup(title: "Reach")
    var reach: ReachFlags

    @OptionGroup(title: "Engine")
    var engineFlags: EngineFlags

    @Flag(help: ArgumentHelp("Stop when standard input ends.", visibility: .hidden))
    var lifeline = false

    func run() async throws {
        if lifeline { Lifeline.watch() }
        let sources = try SettingSources.gather(flags: flags, environment: Terminal.environment)
        let settings = try NodeSettings(sources)
        var logger = Logger(label: "kith")
        logger.logLevel = settings.logLevel
        let name = settings.name
        try await Node(settings: settings, logger: logger).run { address in
            Terminal.note("node \(name) listens on \(address), with its files in \(settings.dataDirectory)")
        }
    }

    private var flags: [SettingKey: String] {
        var flags = engineFlags.settings.merging(reach.settings) { _, reach in reach }
        flags[.dataDirectory] = dataDir
        flags[.name] = name
        flags[.host] = host
        flags[.port] = port
        flags[.level] = level
        flags[.peerEndpoints] = peer.isEmpty ? nil : peer.joined(separator: ",")
        return flags
    }
}
