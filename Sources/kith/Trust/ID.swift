// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import KithNode

struct ID: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "id",
        abstract: "Show who a node is: its id, its certificate and its addresses.",
        discussion: """
            The id is made of the node's key and stays the same as long as the key does. Other machines check it; nobody \
            else can claim it.

            EXAMPLES:
              kith id
              kith id --json
            """)

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the node's answer as JSON.")
    var json = false

    func run() async throws {
        let identity = try await node.client().get(ControlMessage.Identity.self, "/api/identity")
        try Terminal.print(identity, json: json, or: IdentityReport(identity, style: Terminal.style).lines)
    }
}

struct Rekey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give a stopped node a new identity, such as the copy of another node's folder.",
        discussion: """
            The node becomes a stranger to all it was paired with: pair it anew with kith invite and kith join, and let \
            the others forget the old one where no other machine uses it. The old key is kept aside in state/identity. \
            Conversations and clients' keys stay.

            EXAMPLES:
              kith rekey --yes
              kith rekey --yes --data-dir cluster/instance_8081
            """)

    @Option(help: ArgumentHelp("The node's folder.", valueName: "path"), completion: .directory)
    var dataDir: String?

    @Flag(help: "Do not ask.")
    var yes = false

    func run() async throws {
        let folder = try RunningNode.folder(dataDir)
        if !yes {
            try Terminal.confirm("the node in \(folder) gets a new identity, and every pairing must be made anew")
        }
        let made: Rekeying
        do {
            made = try await Node.rekey(dataDirectory: folder, now: .now())
        } catch let error as NodeStartError where error.code == .folderInUse {
            throw CommandError(.failed, "a node runs on the data folder \(folder); stop it first")
        }
        try Terminal.printLines([made.id.description])
        Terminal.note("every pairing must be made anew: kith invite on one machine, kith join on the other")
        if let kept = made.kept { Terminal.note("the old key is kept in \(kept); on a copied folder, remove it") }
    }
}
