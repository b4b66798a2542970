// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDoctor
import KithModel
import KithNode

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find out what is wrong, and say what mends it.",
        discussion: """
            Looks at settings, files, ports, network, engine, peers and services, whether the node runs or not, and \
            changes nothing. A node that does not run is looked at as it was last started; flags of kith up say otherwise.

            With --url it looks at services of the seeds instead: a synth-mind, an AIOS cell, bridge or discovery \
            service; no node is needed. KITH_KEY is sent to them.

            EXAMPLES:
              kith doctor
              kith doctor --data-dir cluster/instance_8083
              kith doctor --lan --role node,bridge
              kith doctor --url http://desktop.local:8000 --url http://localhost:3001 --json

            EXIT STATUS:
              0    all is well
              1    warnings: something does not work, and the node goes on without it
              2    errors
              64   a flag cannot be used
            """)

    private static let mostURLs = 32

    @Option(help: ArgumentHelp("The node's folder.", valueName: "path"), completion: .directory)
    var dataDir: String?

    @Option(help: ArgumentHelp("The address to listen on.", valueName: "address"))
    var host: String?

    @Option(help: ArgumentHelp("The port to listen on.", valueName: "port"))
    var port: String?

    @Option(help: ArgumentHelp("A peer, in the form of a line of config/peers.txt. May be repeated.", valueName: "url"))
    var peer: [String] = []

    @Option(help: ArgumentHelp("A service to look at in place of a node. May be repeated.", valueName: "url"))
    var url: [String] = []

    @Flag(help: "Print what was found as JSON.")
    var json = false

    @OptionGroup(title: "Reach")
    var reach: ReachFlags

    @OptionGroup(title: "Engine")
    var engineFlags: EngineFlags

    func validate() throws {
        guard url.count <= Self.mostURLs else { throw ValidationError("there are more than \(Self.mostURLs) --url") }
        guard url.isEmpty || dataDir == nil else {
            throw ValidationError("--data-dir is about a node, and --url about services; give one of them")
        }
        for text in url where HTTPAddress(text) == nil {
            throw ValidationError("'\(text.printable)' is not a URL such as http://desktop.local:8000")
        }
    }

    func run() async throws {
        let report = try await examine()
        try Terminal.print(report, json: json, as: DoctorText.self)
        switch report.severity {
        case .skipped, .ok, .notice: return
        case .warning: throw CommandError(.failed)
        case .error: throw CommandError(.errorsFound)
        }
    }

    private func examine() async throws -> DoctorReport {
        let doctor = KithDoctor.Doctor()
        guard url.isEmpty else {
            let key = Terminal.environment["KITH_KEY"].flatMap { $0.isEmpty ? nil : Secret($0) }
            return await doctor.examine(url.compactMap { HTTPAddress($0) }, key: key)
        }
        let folder = try RunningNode.folder(dataDir)
        return try await doctor.examine(
            flags: StartFlags.of(folder).merging(flags) { _, typed in typed }, environment: Terminal.environment,
            start: .of(folder))
    }

    private var flags: [SettingKey: String] {
        var flags = engineFlags.settings.merging(reach.settings) { _, reach in reach }
        flags[.dataDirectory] = dataDir
        flags[.host] = host
        flags[.port] = port
        flags[.peerEndpoints] = peer.isEmpty ? nil : peer.joined(separator: ",")
        return flags
    }
}
