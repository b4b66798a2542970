// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithInference
import KithModel

struct Model: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See which models your machines have, get others, load them, and remove them.",
        discussion: """
            Ollama's models can be changed from here, on this machine and on your others; other engines say why theirs \
            cannot. Weights are copied between machines of yours that have the same engine. What is in use, or named by engine.model, is removed by --force only.

            EXAMPLES:
              kith model list --all
              kith model pull llama3.2:1b --node desk
              kith model copy llama3.2:1b --from desk --node box
              kith model load llama3.2:1b --for 2h
              kith model remove llama3.2:1b
            """,
        subcommands: [
            ModelList.self, ModelShow.self, ModelPull.self, ModelLoad.self, ModelUnload.self, ModelRemove.self,
            ModelCopy.self,
        ])
}

/// On which machine, and at which of its engines.
struct ModelPlaceFlags: ParsableArguments {
    @Option(name: .customLong("node"), help: ArgumentHelp("Another machine of yours.", valueName: "name"))
    var peer: String?

    @Option(help: ArgumentHelp("Which engine, where a machine has several: its kind or address.", valueName: "engine"))
    var engine: String?

    /// The query of a path.
    func query(_ more: [String] = []) -> String {
        let all =
            [peer.map { "node=" + PathSegment.escaped($0) }, engine.map { "engine=" + PathSegment.escaped($0) }]
            .compactMap(\.self) + more
        return all.isEmpty ? "" : "?" + all.joined(separator: "&")
    }

    static func path(_ model: String, _ deed: String = "") -> String {
        "/api/models/" + PathSegment.escaped(model) + deed
    }

    static func check(_ model: String) throws {
        guard ModelName.isListable(model) else {
            throw ValidationError(
                "a model's name has 1 to \(ModelName.longest) bytes; kith model list shows those there are")
        }
    }
}

struct ModelList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List models with what they take on the disk and in memory.",
        discussion: """
            EXAMPLES:
              kith model list
              kith model list --node desk
              kith model list --all
            """)

    @OptionGroup var node: NodeFlags

    @Option(name: .customLong("node"), help: ArgumentHelp("Another machine of yours.", valueName: "name"))
    var peer: String?

    @Flag(help: "All your machines.")
    var all = false

    @Flag(help: "Print the models, engines and pulls as JSON.")
    var json = false

    func validate() throws {
        guard peer == nil || !all else { throw ValidationError("--node and --all exclude each other") }
    }

    func run() async throws {
        let query = all ? "?all=1" : peer.map { "?node=" + PathSegment.escaped($0) } ?? ""
        let found = try await node.client().get(ModelMessage.List.self, "/api/models" + query)
        try Terminal.print(found, json: json, as: ModelsReport.self)
    }
}

struct ModelShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what is known of a model.",
        discussion: """
            EXAMPLES:
              kith model show llama3.2:1b
            """)

    @Argument(help: "The model.")
    var model: String

    @OptionGroup var node: NodeFlags

    @OptionGroup var place: ModelPlaceFlags

    @Flag(help: "Print it as JSON.")
    var json = false

    func validate() throws { try ModelPlaceFlags.check(model) }

    func run() async throws {
        let found = try await node.client().get(
            ModelMessage.Model.self, ModelPlaceFlags.path(model) + place.query())
        try Terminal.print(found, json: json, as: ModelReport.self)
    }
}
