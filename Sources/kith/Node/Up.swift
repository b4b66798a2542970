// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithDoctor
import KithMetrics
import KithModel
import KithNode
import Logging
import SystemPackage

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
              kith up --ollama-port
              kith up --data-dir cluster/instance_8083
              kith up --background           until kith down
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
        defaultAsFlag: "11434", parsing: .next,
        help: ArgumentHelp(
            "A second port, on which programs made for Ollama find the node; alone it stands for 11434.",
            valueName: "port"))
    var ollamaPort: String?

    @Option(
        help: ArgumentHelp(
            "A peer, in the form of a line of config/peers.txt. May be repeated.", valueName: "url"))
    var peer: [String] = []

    @Option(help: ArgumentHelp("The node's declared level, 0 to 10.", valueName: "level"))
    var level: String?

    @Option(
        help: ArgumentHelp("A file that gets the log, in place of standard error.", valueName: "path"),
        completion: .file())
    var logFile: String?

    @OptionGroup(title: "Reach")
    var reach: ReachFlags

    @OptionGroup(title: "Engine")
    var engineFlags: EngineFlags

    @Flag(help: "Return when the node answers, and leave it running; kith down stops it.")
    var background = false

    @Flag(help: ArgumentHelp("Stop when standard input ends.", visibility: .hidden))
    var lifeline = false

    func run() async throws {
        if lifeline { Lifeline.watch() }
        let sources = try SettingSources.gather(flags: flags, environment: Terminal.environment)
        let settings = try NodeSettings(sources)
        if background { return try await BackgroundNode(settings: settings).start() }
        let manager = ServiceNotification(environment: Terminal.environment)
        defer { manager?.end() }
        let log = NodeLog(format: settings.logFormat, file: try Self.logFile(settings))
        let logger = log.logger(label: "kith", level: settings.logLevel)
        let metrics = MetricRegistry()
        if settings.countsMetrics { metrics.takeMeasurementsOfLibraries() }
        let node = Node(
            settings: settings, logger: logger, logs: log.ring, metrics: metrics, tools: tools,
            reread: { [flags] in
                try NodeSettings(SettingSources.gather(flags: flags, environment: Terminal.environment))
            })
        do {
            // Listeners that find no port say more of it than is of use to whoever sits there.
            if manager == nil, !lifeline, !DataFolder.isHeld(settings.dataDirectory) {
                try await node.requireOpenPorts()
            }
            try await run(node, manager: manager, settings: settings, logger: logger)
        } catch let problem as NodeStartError where manager != nil {
            // Whoever starts it again at once would do so many times a second.
            Terminal.note("kith: \(problem)")
            try? await Task.sleep(for: .seconds(5))  // a stop ends the wait
            throw CommandError(.failed)
        }
    }

    private func run(
        _ node: Node, manager: ServiceNotification?, settings: NodeSettings, logger: Logger
    ) async throws {
        let (name, format) = (settings.name, settings.logFormat)
        let isFirst = !DataFolder.holdsNode(settings.dataDirectory)
        try await node.run { address in
            manager?.ready(dataDirectory: settings.dataDirectory)
            if manager == nil, !lifeline { BackgroundNode.noteStart(settings) }
            switch format {
            case .text:
                Terminal.note("node \(name) listens on \(address), with its files in \(settings.dataDirectory)")
                if isFirst, let tokens = settings.social.tokensPerDay {
                    Terminal.note(
                        CompanyNotice.first(idle: settings.social.idleThreshold.seconds, tokens: tokens))
                }
            case .json:  // every line is an object
                logger.info(
                    "node listens",
                    metadata: [
                        "node": "\(name)", "address": "\(address)", "folder": "\(settings.dataDirectory)",
                    ])
            }
        }
    }

    private static func logFile(_ settings: NodeSettings) throws(CommandError) -> LogFile? {
        guard let path = settings.logFile else { return nil }
        do {
            return try LogFile(path: FilePath(path))
        } catch {
            throw CommandError(.usage, "the log cannot be written to \(path): \(error)")
        }
    }

    private var tools: NodeTools {
        NodeTools(
            examine: { [flags] in
                let report = try await KithDoctor.Doctor().examine(
                    flags: flags, environment: Terminal.environment, start: .ofThisProcess)
                return try JSONBody.decode(JSONValue.self, from: JSONBody.encode(report))
            },
            qrCode: { QRCode.matrix(of: $0)?.rows })
    }

    var flags: [SettingKey: String] {
        var flags = engineFlags.settings.merging(reach.settings) { _, reach in reach }
        flags[.dataDirectory] = dataDir
        flags[.name] = name
        flags[.host] = host
        flags[.port] = port
        flags[.ollamaPort] = ollamaPort
        flags[.level] = level
        flags[.logFile] = logFile
        flags[.peerEndpoints] = peer.isEmpty ? nil : peer.joined(separator: ",")
        return flags
    }
}

/// Who reaches a node, and how. The values are checked with the other settings.
struct ReachFlags: ParsableArguments {
    @Flag(help: "Speak TLS with the node's own certificate.")
    var tls = false

    @Option(
        help: ArgumentHelp("The certificate that clients are shown, in PEM form.", valueName: "path"),
        completion: .file())
    var tlsCert: String?

    @Option(help: ArgumentHelp("Its private key, in PEM form.", valueName: "path"), completion: .file())
    var tlsKey: String?

    @Flag(help: "Ask programs on this machine for a key too.")
    var requireKey = false

    @Option(
        help: ArgumentHelp("More names under which programs on this machine reach the node.", valueName: "names"))
    var allowedHosts: String?

    @Option(
        help: ArgumentHelp(
            "Web pages that may use the node, by origins such as http://localhost:3000.", valueName: "origins"))
    var allowedOrigins: String?

    @Flag(help: "Let other machines reach the peer port, and announce the node to them.")
    var lan = false

    @Option(help: ArgumentHelp("Announce the node with mDNS and look for others: on or off.", valueName: "on|off"))
    var mdns: String?

    @Option(help: ArgumentHelp("The address on which other nodes reach this one.", valueName: "address"))
    var peerHost: String?

    @Option(help: ArgumentHelp("The port on which other nodes reach this one; 0 takes a free one.", valueName: "port"))
    var peerPort: String?

    @Option(
        help: ArgumentHelp(
            "The listeners to open: node, cell, bridge, discovery, or several with commas.", valueName: "roles"))
    var role: String?

    @Option(help: ArgumentHelp("The port of the role cell; 0 takes a free one.", valueName: "port"))
    var cellPort: String?

    @Option(help: ArgumentHelp("What the cell is called in its answers.", valueName: "name"))
    var cellID: String?

    @Option(help: ArgumentHelp("The port of the role bridge; 0 takes a free one.", valueName: "port"))
    var bridgePort: String?

    @Option(help: ArgumentHelp("A cell for which the bridge stands. May be repeated.", valueName: "url"))
    var upstream: [String] = []

    @Option(help: ArgumentHelp("HashiCorp Vault.", valueName: "url"))
    var vault: String?

    @Option(help: ArgumentHelp("The port of the role discovery; 0 takes a free one.", valueName: "port"))
    var discoveryPort: String?

    @Option(help: ArgumentHelp("A registry to announce the node at. May be repeated.", valueName: "url"))
    var registry: [String] = []

    var settings: [SettingKey: String] {
        let given: [(SettingKey, String?)] = [
            (.tlsMode, tls ? "own" : nil), (.tlsCertificate, tlsCert), (.tlsKey, tlsKey),
            (.requireKey, requireKey ? "on" : nil), (.allowedHosts, allowedHosts),
            (.allowedOrigins, allowedOrigins), (.peerLAN, lan ? "on" : nil), (.peerMDNS, mdns),
            (.peerHost, peerHost), (.peerPort, peerPort), (.roles, role),
            (.discoveryPort, discoveryPort), (.cellPort, cellPort), (.cellID, cellID), (.bridgePort, bridgePort),
            (.bridgeUpstreams, upstream.isEmpty ? nil : upstream.joined(separator: ",")), (.vaultAddress, vault),
            (.registries, registry.isEmpty ? nil : registry.joined(separator: ",")),
        ]
        return Dictionary(
            given.compactMap { key, text in text.map { (key, $0) } }, uniquingKeysWith: { first, _ in first })
    }
}

/// The flags that one node and a cluster share. Their values are checked with the other settings.
struct EngineFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What generates tokens: auto, ollama, openai, anthropic, embedded, echo, count or none.",
            discussion:
                "auto (the default) takes all local engines that it finds, such as Ollama and LM Studio, else the "
                + "embedded one; never a cloud provider. echo and count are deterministic, for tests.",
            valueName: "kind"),
        completion: .list(["auto", "ollama", "openai", "anthropic", "embedded", "echo", "count", "none"]))
    var engine: String?

    @Option(help: ArgumentHelp("The model: a name, or a path ending in .gguf for llama.cpp.", valueName: "model"))
    var model: String?

    @Option(help: ArgumentHelp("Requests served at once.", valueName: "count"))
    var slots: String?

    @Option(
        help: ArgumentHelp("Where the embedded engine is installed.", valueName: "path"), completion: .directory)
    var engineDir: String?

    @Option(help: ArgumentHelp("Speed of the engines echo and count.", valueName: "rate"))
    var tokensPerSecond: String?

    @Option(help: ArgumentHelp("Seconds before the first token of echo and count.", valueName: "seconds"))
    var firstTokenDelay: String?

    @Option(
        help: ArgumentHelp(
            "The least severity logged: trace, debug, info, notice, warning, error or critical.", valueName: "level"),
        completion: .list(["trace", "debug", "info", "notice", "warning", "error", "critical"]))
    var logLevel: String?

    @Option(
        help: ArgumentHelp("How the log is written: text or json.", valueName: "format"),
        completion: .list(["text", "json"]))
    var logFormat: String?

    var settings: [SettingKey: String] {
        let given: [(SettingKey, String?)] = [
            (.engineKind, engine), (.engineModel, model), (.engineSlots, slots), (.engineDirectory, engineDir),
            (.testTokensPerSecond, tokensPerSecond), (.testFirstTokenDelay, firstTokenDelay), (.logLevel, logLevel),
            (.logFormat, logFormat),
        ]
        return Dictionary(
            given.compactMap { key, text in text.map { (key, $0) } }, uniquingKeysWith: { first, _ in first })
    }
}
