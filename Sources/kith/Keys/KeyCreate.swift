// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import KithNode

struct KeyCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a key for a client and print it, this once.",
        discussion: """
            The key alone goes to standard output. A client sends it as `Authorization: Bearer` or `X-API-Key`. Scopes: \
            chat asks for answers, peer speaks as a seed-style peer, read sees status and peers, admin changes whom the \
            node trusts and its keys; assist and sync open nothing yet.

            EXAMPLES:
              kith key create --name phone --scope chat,read
              kith key create --name visitor --scope chat --expires 30d
            """)

    @Option(help: ArgumentHelp("What the key is for.", valueName: "name"))
    var name: String

    @Option(
        help: ArgumentHelp(
            "What it allows, with commas between: chat, assist, sync, peer, read, admin.", valueName: "list"))
    var scope: [String]

    @Option(help: ArgumentHelp("How long it holds, such as 12h or 30d; else until it is revoked.", valueName: "time"))
    var expires: String?

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the key and what is known of it as JSON.")
    var json = false

    func run() async throws {
        let wanted = try KeyWish.request(name: name, scopes: scope, expires: expires)
        let made: ControlMessage.NewKey
        switch try KeyPlace(node) {
        case .node(let client): made = try await client.post("/api/keys", wanted)
        case .folder(let folder): made = try await Node.createKey(wanted, dataDirectory: folder, now: .now())
        }
        if json { return try Terminal.printJSON(made) }
        try Terminal.printLines([made.key])
        for line in KeysReport.notes(made.details) { Terminal.note(line) }
    }
}
