// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct Context: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show and change what you are working on, on all your devices.",
        discussion: """
            Keys such as branch or file, each with a value. What is written at one device is seen at all of them; what \
            was written at two that did not see each other is shown twice, until one value is chosen by writing it.

            EXAMPLES:
              kith context show
              kith context set branch main
              kith context watch
              kith context clear branch
            """,
        subcommands: [ContextShow.self, ContextSet.self, ContextFollow.self, ContextClear.self],
        defaultSubcommand: ContextShow.self)

    /// All of it, however many answers that takes.
    static func all(from client: NodeClient) async throws -> [StateMessage.ContextEntry] {
        var entries: [StateMessage.ContextEntry] = []
        var hasMore = true
        while hasMore {
            let after = entries.last.map { "?after=" + PathSegment.escaped($0.key) } ?? ""
            let page = try await client.get(StateMessage.Context.self, "/api/context" + after)
            entries += page.context
            hasMore = page.hasMore && !page.context.isEmpty
        }
        return entries
    }

    static func path(_ key: String) -> String { "/api/context/" + PathSegment.escaped(key) }

    /// An empty key would stand for all of them.
    static func check(_ key: String) throws {
        guard RegisterKey(.context, name: key) != nil else {
            throw ValidationError(
                "a key must have 1 to \(RegisterKey.nameLimit) bytes and no control characters; kith context show "
                    + "lists them")
        }
    }
}

struct ContextShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show what you are working on.",
        discussion: """
            With a key, its value goes to standard output and who wrote it to standard error.

            EXAMPLES:
              kith context show
              kith context show branch
            """)

    @Argument(help: "Only this key.")
    var key: String?

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print what is known as JSON.")
    var json = false

    func validate() throws {
        if let key { try Context.check(key) }
    }

    func run() async throws {
        let client = try node.client()
        if let key { return try show(try await client.get(StateMessage.ContextEntry.self, Context.path(key))) }
        let entries = try await Context.all(from: client)
        try Terminal.print(entries, json: json, as: ContextReport.self)
    }

    private func show(_ entry: StateMessage.ContextEntry) throws {
        if json { return try Terminal.printJSON(entry) }
        guard !entry.isConflict, let value = entry.values.first else {
            return try Terminal.printLines(Terminal.lines(ContextReport.self, of: [entry]))
        }
        try Terminal.printLines(ContextReport.full(value))
        Terminal.note(Terminal.errorStyle.dim(ContextReport.origin(value)))
    }
}

struct ContextSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Write a value, or choose one among several.",
        discussion: """
            Returns when the value is on this device's disk; the others get it at once, or when they are back.

            A value that is a JSON object, array, number, true or false is kept as that; everything else is kept as the \
            text that it is. --text keeps it as text in any case.

            EXAMPLES:
              kith context set branch main
              kith context set cursor '{"line": 12, "column": 4}'
              kith context set ticket 1234 --text
            """)

    @Argument(help: "The key, such as branch or file.")
    var key: String

    @Argument(help: "The value.")
    var value: String

    @OptionGroup var node: NodeFlags

    @Option(help: ArgumentHelp("In whose name, such as an editor's; else the node's.", valueName: "name"))
    var source: String?

    @Flag(help: "Keep the value as text, whatever it looks like.")
    var text = false

    @Flag(help: "Print what is known under the key now as JSON.")
    var json = false

    func validate() throws { try Context.check(key) }

    func run() async throws {
        let wish = StateMessage.ContextRequest(
            value: text ? .string(value) : ContextValueText.value(value), source: source)
        let written: StateMessage.ContextEntry = try await node.client().put(Context.path(key), wish)
        try Terminal.print(written, json: json, or: ContextReport.written(written))
    }
}

struct ContextClear: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear",
        abstract: "Remove a key, or all of them, on all your devices.",
        discussion: """
            EXAMPLES:
              kith context clear branch
              kith context clear
            """)

    @Argument(help: "Only this key.")
    var key: String?

    @OptionGroup var node: NodeFlags

    @Flag(help: "Remove all keys without being asked.")
    var yes = false

    @Flag(help: "Print what was removed as JSON.")
    var json = false

    func validate() throws {
        if let key { try Context.check(key) }
    }

    func run() async throws {
        let client = try node.client()
        var removed = StateMessage.Cleared(removed: [])
        if let key {
            let entry: StateMessage.ContextEntry = try await client.delete(Context.path(key))
            removed.removed = [entry.key]
        } else {
            if !yes { try Terminal.confirm("the whole context is removed, on all your devices") }
            removed = try await client.delete("/api/context")
        }
        try Terminal.print(removed, json: json, or: ContextReport.removed(removed.removed))
    }
}
