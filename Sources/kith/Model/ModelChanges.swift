// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithInference
import KithModel
import SystemPackage

struct ModelLoad: AsyncParsableCommand {
    /// Weights are large and disks are slow.
    static let patience = Duration.seconds(960)

    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Load a model into memory, so that the next prompt need not wait for that.",
        discussion: """
            It stays until it is unloaded, or for the time of --for without being asked.

            EXAMPLES:
              kith model load llama3.2:1b
              kith model load llama3.2:1b --for 2h --node desk
            """)

    @Argument(help: "The model.")
    var model: String

    @OptionGroup var node: ControlFlags

    @OptionGroup var place: ModelPlaceFlags

    @Option(name: .customLong("for"), help: ArgumentHelp("How long, from 1s to 365d.", valueName: "time"))
    var time: String?

    @Flag(help: "Print how the model is then as JSON.")
    var json = false

    func validate() throws { try ModelPlaceFlags.check(model) }

    func run() async throws {
        let seconds = try time.map { try Lifetime($0, flag: "--for", within: 1...31_536_000).seconds }
        if Terminal.isTerminal(.standardError) {
            Terminal.note(Terminal.errorStyle.dim("loading \(model.printable) …"))
        }
        let done: ModelMessage.Done = try await node.client().post(
            ModelPlaceFlags.path(model, "/load") + place.query(), ModelMessage.LoadRequest(forSeconds: seconds),
            patience: Self.patience)
        let memory = done.model?.memoryBytes.map { " (\(ByteText($0)) of memory)" } ?? ""
        try Terminal.print(done, json: json, or: ["loaded \(done.name) on \(done.node)".printable + memory])
    }
}

struct ModelUnload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unload", abstract: "Take a model out of memory.",
        discussion: """
            EXAMPLES:
              kith model unload llama3.2:1b
            """)

    @Argument(help: "The model.")
    var model: String

    @OptionGroup var node: ControlFlags

    @OptionGroup var place: ModelPlaceFlags

    @Flag(help: "Print how the model is then as JSON.")
    var json = false

    func validate() throws { try ModelPlaceFlags.check(model) }

    func run() async throws {
        let done: ModelMessage.Done = try await node.client().post(
            ModelPlaceFlags.path(model, "/unload") + place.query(), NoMessage())
        try Terminal.print(done, json: json, or: ["unloaded \(done.name) on \(done.node)".printable])
    }
}

struct ModelRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take a model off a machine's disk.",
        discussion: """
            EXAMPLES:
              kith model remove llama3.2:1b
              kith model remove llama3.2:1b --node desk --yes
            """)

    @Argument(help: "The model.")
    var model: String

    @OptionGroup var node: ControlFlags

    @OptionGroup var place: ModelPlaceFlags

    @Flag(help: "Remove it without being asked.")
    var yes = false

    @Flag(help: "Also a model that is in use, or that the settings name.")
    var force = false

    @Flag(help: "Print what was removed as JSON.")
    var json = false

    func validate() throws { try ModelPlaceFlags.check(model) }

    func run() async throws {
        let client = try node.client()
        var name = model
        if !yes {
            let found = try await client.get(ModelMessage.Model.self, ModelPlaceFlags.path(model) + place.query())
            let size = found.sizeBytes.map { " (\(ByteText($0)))" } ?? ""
            try Terminal.confirm("\(found.name)\(size) is taken off the disk of \(found.node)".printable)
            // What was shown is removed, and no other that the name might mean by then.
            name = found.name
        }
        let done: ModelMessage.Done = try await client.delete(
            ModelPlaceFlags.path(name) + place.query(force ? ["force=1"] : []))
        try Terminal.print(done, json: json, or: ["removed \(done.name) from \(done.node)".printable])
    }
}
