// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct Culture: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read and tend what your nodes have learned in company.",
        discussion: """
            One sentence of each conversation is kept, on all your devices. What looks like an order, a link, code or an \
            offer waits until you approve it.

            EXAMPLES:
              kith culture list
              kith culture search "patience"
              kith culture list --waiting
              kith culture approve 3f2a9c
              kith culture export > culture.json
            """,
        subcommands: [
            CultureList.self, CultureSearch.self, CultureShow.self, CultureApprove.self, CultureReject.self,
            CultureForget.self, CultureExport.self, CultureImport.self,
        ], defaultSubcommand: CultureList.self)

    static let path = "/api/culture"

    static var report: CultureReport { CultureReport(width: Terminal.width, style: Terminal.style) }

    static let shelves = ["live", "waiting", "rejected", "archived"]

    static func entries(_ query: String, from client: NodeClient) async throws -> CultureMessage.Entries {
        try await client.get(CultureMessage.Entries.self, path + query)
    }

    /// All that is on a shelf, however many answers that takes.
    ///
    /// - Parameter onPage: Told how many are there, of how many, after each answer.
    static func all(
        on shelf: String, from client: NodeClient, onPage: (Int, Int) -> Void = { _, _ in }
    ) async throws -> [CultureMessage.Entry] {
        var all: [CultureMessage.Entry] = []
        while true {
            let page = try await entries("?shelf=\(shelf)&limit=1000&offset=\(all.count)", from: client)
            all += page.insights
            onPage(all.count, page.total)
            if page.insights.isEmpty || all.count >= page.total { return all }
        }
    }

    /// The one insight whose id begins with `beginning`.
    ///
    /// - Throws: `CommandError` when there is none, or several.
    static func find(_ beginning: String, from client: NodeClient) async throws -> CultureMessage.Entry {
        if InsightID(beginning) != nil {
            return try await client.get(CultureMessage.Entry.self, path + "/" + beginning)
        }
        var found: [CultureMessage.Entry] = []
        for shelf in shelves {
            found += try await all(on: shelf, from: client).filter { $0.insight.id.hasPrefix(beginning.lowercased()) }
        }
        switch found.count {
        case 1: return found[0]
        case 0: throw CommandError(.failed, "no insight's id begins with \(beginning); kith culture list shows them")
        default:
            throw CommandError(.failed, "the ids of \(found.count) insights begin with \(beginning); give more of it")
        }
    }

    static func decide(_ id: String, _ standing: String, at client: NodeClient) async throws {
        let entry = try await find(id, from: client)
        let decided: CultureMessage.Entry = try await client.put(
            "\(path)/\(entry.insight.id)/standing", CultureMessage.Decision(standing: standing))
        try Terminal.printLines(["\(decided.insight.standing): \(decided.insight.text.printable)"])
    }
}

struct CultureList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List what was learned, the latest first.")

    @OptionGroup var node: NodeFlags

    @Flag(help: "List what waits to be approved or rejected.")
    var waiting = false

    @Flag(help: "List what was rejected.")
    var rejected = false

    @Option(help: ArgumentHelp("Insights to list at most.", valueName: "count"))
    var limit: Int = 50

    @Flag(help: "Print the list as JSON.")
    var json = false

    func validate() throws {
        guard (1...1_000).contains(limit) else { throw ValidationError("--limit must be from 1 to 1000") }
        guard !waiting || !rejected else { throw ValidationError("--waiting and --rejected exclude each other") }
    }

    func run() async throws {
        let shelf = waiting ? "waiting" : rejected ? "rejected" : "live"
        let found = try await Culture.entries("?shelf=\(shelf)&limit=\(limit)", from: try node.client())
        try Terminal.print(found.insights, json: json, or: Culture.report.lines(found))
    }
}

struct CultureSearch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Find insights that hold all of some words, in any form.")

    @Argument(help: "The words.")
    var words: [String]

    @OptionGroup var node: NodeFlags

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() async throws {
        let query = PathSegment.escaped(words.joined(separator: " "))
        let found = try await Culture.entries("?q=\(query)", from: try node.client())
        if json { return try Terminal.printJSON(found.insights) }
        guard !found.insights.isEmpty else { return try Terminal.printLines(["nothing holds all of these words"]) }
        try Terminal.printLines(Culture.report.lines(found))
    }
}

/// One insight, and the node that has it.
struct InsightFlags: ParsableArguments {
    @Argument(help: "The insight's id, or as much of its beginning as tells it from others.")
    var id: String

    func validate() throws {
        guard (1...32).contains(id.utf8.count), id.allSatisfy(\.isHexDigit) else {
            throw ValidationError("an insight's id has up to 32 hexadecimal digits; kith culture list shows them")
        }
    }
}

struct CultureShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show an insight, and where it is from.")

    @OptionGroup var insight: InsightFlags
    @OptionGroup var node: NodeFlags

    @Flag(help: "Print it as JSON.")
    var json = false

    func run() async throws {
        let entry = try await Culture.find(insight.id, from: try node.client())
        try Terminal.print(entry, json: json, or: Culture.report.lines(entry))
    }
}

struct CultureApprove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Take an insight that waits into the culture.")

    @OptionGroup var insight: InsightFlags
    @OptionGroup var node: ControlFlags

    func run() async throws { try await Culture.decide(insight.id, "live", at: try node.client()) }
}

struct CultureReject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reject", abstract: "Keep an insight out of the culture, also when it comes again.")

    @OptionGroup var insight: InsightFlags
    @OptionGroup var node: ControlFlags

    func run() async throws { try await Culture.decide(insight.id, "rejected", at: try node.client()) }
}

struct CultureForget: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget", abstract: "Remove an insight from all your devices.")

    @OptionGroup var insight: InsightFlags
    @OptionGroup var node: ControlFlags

    func run() async throws {
        let client = try node.client()
        let entry = try await Culture.find(insight.id, from: client)
        let forgotten: CultureMessage.Entry = try await client.post(
            "\(Culture.path)/\(entry.insight.id)/forget", NoMessage())
        try Terminal.printLines(["forgotten: \(forgotten.insight.text.printable)"])
    }
}

struct CultureExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print the culture as a file that kith culture import reads.")

    @OptionGroup var node: NodeFlags

    func run() async throws {
        let client = try node.client()
        var insights: [InsightMessage] = []
        let meter = ProgressMeter()
        for shelf in Culture.shelves {
            insights += try await Culture.all(on: shelf, from: client) { done, total in
                meter.show(ProgressBar("reading what is \(shelf)", done: done, of: total, .things("insights")))
            }.map(\.insight)
        }
        meter.clear()
        try Terminal.printJSON(CultureMessage.Collection(insights: insights))
    }
}

struct CultureImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take in what kith culture export wrote, from standard input.",
        discussion: """
            EXAMPLES:
              kith culture import < culture.json
            """)

    private static let limit = 16 << 20
    /// Insights that are sent at once.
    private static let batch = 500

    @OptionGroup var node: ControlFlags

    func run() async throws {
        let text = try Terminal.readInput(limit: Self.limit)
        let collection: CultureMessage.Collection
        do {
            collection = try JSONBody.decode(CultureMessage.Collection.self, from: Array(text.utf8))
        } catch {
            throw CommandError(.usage, "standard input is no culture as kith culture export writes it")
        }
        let client = try node.client()
        let meter = ProgressMeter()
        var (imported, refused) = (0, 0)
        for begin in stride(from: 0, to: max(1, collection.insights.count), by: Self.batch) {
            let part = collection.insights.dropFirst(begin).prefix(Self.batch)
            let done: CultureMessage.Imported = try await client.post(
                Culture.path + "/import", CultureMessage.Collection(insights: Array(part)), patience: .seconds(120))
            imported += done.imported
            refused += done.refused
            meter.show(
                ProgressBar(
                    "taking in", done: begin + part.count, of: collection.insights.count, .things("insights")))
        }
        meter.clear()
        try Terminal.printLines(["\(imported) insights taken in" + (refused == 0 ? "" : ", \(refused) refused as none")]
        )
    }
}
