// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithFiles
import KithModel
import SystemPackage

struct Peers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the peers that a node knows, and how they are.",
        discussion: """
            Peers are paired with kith invite on one machine and kith join on the other. --nearby lists nodes that were \
            seen on the network and are not paired yet. --forgotten lists who is trusted no more, and what is left of them.

            EXAMPLES:
              kith peers
              kith peers --nearby
              kith peers --forgotten
              kith peers --json
              kith peers --prometheus-sd --output /etc/prometheus/kith.json
            """)

    @OptionGroup var node: NodeFlags

    @Flag(help: "List nodes that were discovered and are not paired, and how to pair them.")
    var nearby = false

    @Flag(help: "List who was forgotten, and what is left of those that are no kin; fails where something is.")
    var forgotten = false

    @Flag(help: "Print the list as JSON.")
    var json = false

    @Flag(
        name: .customLong("prometheus-sd"),
        help: "Print where the node and its kin tell their metrics, as Prometheus' file discovery reads it.")
    var prometheusDiscovery = false

    @Option(
        help: ArgumentHelp("With --prometheus-sd: replace this file in place of printing.", valueName: "path"),
        completion: .file())
    var output: String?

    func validate() throws {
        if output != nil, !prometheusDiscovery { throw ValidationError("--output goes with --prometheus-sd") }
    }

    func run() async throws {
        if prometheusDiscovery { return try await writeTargets() }
        if nearby { return try await listNearby() }
        if forgotten { return try await listForgotten() }
        let status = try await node.client().get(NodeStatus.self, "/api/status")
        try Terminal.print(status.peers, json: json, as: PeersReport.self)
    }

    private func writeTargets() async throws {
        let status = try await node.client().get(NodeStatus.self, "/api/status")
        let targets = PrometheusTargets(status)
        for problem in targets.problems { Terminal.note(problem) }
        guard let output else { return try Terminal.printJSON(targets.groups) }
        do {
            try DurableFile.replace(FilePath(output), with: try JSONBody.encode(targets.groups), access: .everyoneReads)
        } catch {
            throw CommandError(.failed, "cannot write \(output): \(error)")
        }
    }

    private func listForgotten() async throws {
        let left = try await node.client().get(ControlMessage.Leftovers.self, "/api/peers/forgotten")
        if json { try Terminal.printJSON(left) } else { try Terminal.printLines(PeerSentence.left(left)) }
        if !left.isClean {
            throw CommandError(.failed, "something is left of nodes that are no kin; it goes when the node starts anew")
        }
    }

    private func listNearby() async throws {
        let found = try await node.client().get(ControlMessage.Nearby.self, "/api/peers/nearby")
        if json { return try Terminal.printJSON(found) }
        let report = NearbyReport(found, width: Terminal.width, style: Terminal.style)
        try Terminal.printLines(report.lines)
        for problem in report.problems { Terminal.note(problem) }
    }
}

/// Which peer a command is about.
struct PeerArgument: ParsableArguments {
    @Argument(help: "The peer: its name, its id, or the first group of its id.", transform: PeerArgument.reference)
    var peer: PeerReference

    private static func reference(_ text: String) throws -> PeerReference {
        guard let peer = PeerReference(text) else {
            throw ValidationError("that is neither a name nor an id; kith peers lists both")
        }
        return peer
    }
}

struct Rename: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Call a peer by another name, on this machine.",
        discussion: """
            EXAMPLES:
              kith rename desk-8080 desk
              kith rename ABCDEFG desk           by the first group of its id
            """)

    @OptionGroup var named: PeerArgument

    @Argument(help: "1 to 64 characters from A-Z a-z 0-9 . _ -")
    var name: String

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the peer as JSON.")
    var json = false

    func run() async throws {
        guard let name = NodeName(name) else {
            throw ValidationError("'\(name)' is not a name: 1 to 64 characters from A-Z a-z 0-9 . _ -")
        }
        let changed: ControlMessage.Peer = try await node.client().patch(
            "/api/peers/\(named.peer)", ControlMessage.PeerChange(name: name))
        try Terminal.print(changed, json: json, or: PeerSentence.renamed(changed))
    }
}

struct ChangeTier: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tier",
        abstract: "Change how far a peer is trusted.",
        discussion: """
            kin is another machine of yours and may get prompts, context and conversations; kith is somebody else's and \
            gets nothing of yours.

            EXAMPLES:
              kith tier desk kin
              kith tier friend kith
            """)

    @OptionGroup var named: PeerArgument

    @Argument(help: "kin or kith.")
    var tier: Tier

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the peer as JSON.")
    var json = false

    func run() async throws {
        if tier == .kin, Terminal.isTerminal(.standardInput) {
            try Terminal.confirm(
                "\(named.peer) becomes a machine of yours, which gets your prompts and all that yours share")
        }
        let changed: ControlMessage.Peer = try await node.client().patch(
            "/api/peers/\(named.peer)", ControlMessage.PeerChange(tier: tier))
        try Terminal.print(changed, json: json, or: PeerSentence.moved(changed))
    }
}

struct Forget: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trust a peer no more, at once.",
        discussion: """
            Drops the peer's connections and refuses it from now on. A machine of yours is refused by all your others too, \
            as soon as they hear of it. A friend's machine is refused here: forget it also on each other machine of yours \
            that is paired with it. What the peer has written to the shared state is removed everywhere; what it wrote over does not come \
            back. Meant for what was lost, stolen or given away, too: nothing of it need be at hand.

            Machines that are yours by the peer's word alone stay yours, and are named. With --stolen they go with it, as \
            when somebody else has had it. kith peers --forgotten shows whether anything is left.

            EXAMPLES:
              kith forget laptop
              kith forget laptop --stolen
              kith forget ABCDEFG --yes
            """)

    @OptionGroup var named: PeerArgument

    @OptionGroup var node: ControlFlags

    @Flag(help: "Trust whom the peer has introduced no more either, and drop conversations that it sent.")
    var stolen = false

    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(help: "Print the peer as JSON.")
    var json = false

    func run() async throws {
        let client = try node.client()
        // Of a name that nobody has the node says so; there is nothing to ask about.
        let (isKnown, tier) = await known(to: client)
        if !yes, isKnown { try Terminal.confirm(PeerSentence.forgetting(named.peer, tier: tier)) }
        let forgotten: ControlMessage.Forgotten = try await client.delete(
            "/api/peers/\(named.peer)" + (stolen ? "?stolen=1" : ""))
        try Terminal.print(forgotten, json: json, or: PeerSentence.forgotten(forgotten))
    }

    /// A key may not show who is there; then it may be.
    private func known(to client: NodeClient) async -> (isKnown: Bool, tier: Tier?) {
        guard let known = try? await client.get(NodeStatus.self, "/api/status").peers else { return (true, nil) }
        let word = "\(named.peer)"
        let meant = known.filter { $0.name.hasPrefix(word) || $0.id?.hasPrefix(word) == true }
        return (!meant.isEmpty, meant.count == 1 ? Tier(rawValue: meant[0].tier) : nil)
    }
}
