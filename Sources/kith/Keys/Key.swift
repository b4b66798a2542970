// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import KithNode

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

struct Key: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, list and revoke the keys that clients show a node.",
        discussion: """
            Over the network every client needs a key; on this machine none. A node that runs takes a change at once; \
            one that does not finds it at its next start.

            EXAMPLES:
              kith key create --name phone --scope chat
              kith key list
              kith key revoke abcdefgh
            """,
        subcommands: [KeyCreate.self, KeyList.self, KeyRevoke.self], defaultSubcommand: KeyList.self)
}

/// Where a node's keys are: with the node while it runs, else in its folder.
enum KeyPlace: Sendable {
    case node(NodeClient)
    /// The data folder of a node that does not run.
    case folder(String)

    init(_ flags: ControlFlags) throws {
        let settings = try ClientSettings(url: flags.url, environment: Terminal.environment)
        let folder = try RunningNode.folder(flags.dataDir)
        if settings.isNamed, flags.dataDir == nil {
            self = .node(try flags.client())
        } else if let running = try RunningNode(dataDirectory: folder) {
            self = .node(running.client)
        } else {
            self = .folder(folder)
        }
    }
}

struct KeyCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a key for a client and print it, this once.",
        discussion: """
            The key alone goes to standard output. A client sends it as `Authorization: Bearer`, `X-API-Key` or `api-key`. Scopes: \
            chat asks for answers, peer speaks as a seed-style peer, read sees status and peers, admin changes whom the \
            node trusts and its keys; assist opens help with code, and sync levels and context.

            EXAMPLES:
              kith key create --name phone --scope chat,read
              kith key create --name visitor --scope chat --expires 30d --rate 60/min --tokens-per-day 200000
              kith key create --name nightly --scope chat --priority batch --concurrent 2 --allow 10.0.0.0/8
            """)

    @Option(help: ArgumentHelp("What the key is for.", valueName: "name"))
    var name: String

    @Option(
        help: ArgumentHelp(
            "What it allows, with commas between: chat, assist, sync, peer, read, admin.", valueName: "list"))
    var scope: [String]

    @Option(help: ArgumentHelp("How long it holds, such as 12h or 30d; else until it is revoked.", valueName: "time"))
    var expires: String?

    @Option(help: ArgumentHelp("How often it may be used, such as 60/min, 5/s or 1000/day.", valueName: "rate"))
    var rate: String?

    @Option(
        help: ArgumentHelp("Tokens read and made from midnight to midnight in UTC.", valueName: "count"))
    var tokensPerDay: Int?

    @Option(help: ArgumentHelp("Answers and the like that may be under way at once.", valueName: "count"))
    var concurrent: Int?

    @Option(
        help: ArgumentHelp(
            "interactive for somebody who waits, batch for work that gets what people leave free.", valueName: "word"),
        completion: .list(RequestPriority.allCases.map(\.rawValue)))
    var priority: String?

    @Option(help: ArgumentHelp("The only models it may ask for, with commas between.", valueName: "list"))
    var models: [String] = []

    @Option(
        help: ArgumentHelp(
            "The only addresses it may be used from, such as 10.0.0.0/8, with commas between.", valueName: "list"))
    var allow: [String] = []

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the key and what is known of it as JSON.")
    var json = false

    func run() async throws {
        let wanted = try KeyFlags.request(
            name: name, scopes: scope, expires: expires,
            limits: ControlMessage.Limits(
                rate: rate, tokensPerDay: tokensPerDay, concurrent: concurrent, priority: priority,
                models: KeyFlags.entries(models), addresses: KeyFlags.entries(allow)))
        let made: ControlMessage.NewKey
        let place = try KeyPlace(node)
        switch place {
        case .node(let client): made = try await client.post("/api/keys", wanted)
        case .folder(let folder): made = try await Node.createKey(wanted, dataDirectory: folder, now: .now())
        }
        if json { return try Terminal.printJSON(made) }
        try Terminal.printLines([made.key])
        for line in KeysReport.notes(made.details) { Terminal.note(line) }
        if case .node(let client) = place {
            // A key for models that nobody has can ask for nothing.
            for line in await ListedModels.warnings(of: KeyFlags.entries(models) ?? [], client) { Terminal.note(line) }
            try await showUse(on: client)
        }
    }

    /// How programs on other machines use a key, where they reach the node.
    private func showUse(on client: NodeClient) async throws {
        guard try !node.isNamed() else { return }
        let address = try await client.get(NodeStatus.self, "/api/status").address
        guard HTTPAddress(address)?.isOnLoopback != true else { return Terminal.note(KeyUse.notReached) }
        let folder = try RunningNode.folder(node.dataDir)
        let authority = ClientCertificate.authorityFile(in: folder)
        guard access(authority, R_OK) == 0,
            let use = KeyUse(
                address: address,
                hostName: ProcessEnvironment.current().hostName, authority: authority)
        else { return }
        for line in use.lines { Terminal.note(line) }
    }
}

struct KeyList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the keys of clients, without their secrets.")

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() async throws {
        let found: ControlMessage.Keys
        switch try KeyPlace(node) {
        case .node(let client): found = try await client.get(ControlMessage.Keys.self, "/api/keys")
        case .folder(let folder): found = try await Node.keys(dataDirectory: folder, now: .now())
        }
        try Terminal.print(found.keys, json: json, as: KeysReport.self)
    }
}

struct KeyRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "End a key at once.",
        discussion: """
            EXAMPLES:
              kith key revoke phone
              kith key revoke abcdefgh
            """)

    @Argument(help: "The key's id or name, as kith key list shows them; never the key itself.")
    var key: String

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the key as JSON.")
    var json = false

    func validate() throws {
        guard !key.hasPrefix("kith_") else {
            throw ValidationError(
                "that is a key, and not its id or name; as it has been shown, revoke it: kith key list has both")
        }
    }

    func run() async throws {
        let revoked: ControlMessage.Key
        switch try KeyPlace(node) {
        case .node(let client):
            let keys = try await client.get(ControlMessage.Keys.self, "/api/keys").keys
            revoked = try await client.delete("/api/keys/\(try KeyChoice.find(key, in: keys).id)")
            let isLast = !keys.contains { $0.state == .usable && $0.id != revoked.id }
            let status = isLast ? try? await client.get(NodeStatus.self, "/api/status") : nil
            if let host = status.flatMap({ HTTPAddress($0.address)?.host }), !NodeSettings.isLoopback(host) {
                Terminal.note(
                    "that was the last key: a node that listens on \(host) does not start again without one; make another, or take "
                        + "host out of its settings")
            }
        case .folder(let folder):
            let keys = try await Node.keys(dataDirectory: folder, now: .now()).keys
            let id = try KeyChoice.find(key, in: keys).id
            guard let found = try await Node.revokeKey(id, dataDirectory: folder, now: .now()) else {
                throw CommandError(.failed, "the key \(id) has just been removed")
            }
            revoked = found
        }
        try Terminal.print(revoked, json: json, or: KeysReport.revoked(revoked))
    }
}
