// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import SystemPackage

struct Place: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See which models are on which machines, and move one.",
        discussion: """
            For each model: where it is loaded, being loaded or on the disk, the memory that it takes, and who would answer \
            the next prompt for it and why. For each machine: what it has free, and what it runs on. Named alone, a model is \
            shown on all machines, those too that do not have it.

            --on loads it there, and --off unloads it; both together move it, and it is unloaded only when it is loaded in \
            the new place. A machine that does not have the model gets it with kith model pull.

            EXAMPLES:
              kith place
              kith place llama3.2:1b
              kith place llama3.2:1b --on desk --off laptop
            """)

    @Argument(help: "A model.")
    var model: String?

    @Option(help: ArgumentHelp("Load it on this machine.", valueName: "machine"))
    var on: String?

    @Option(help: ArgumentHelp("Unload it on this machine.", valueName: "machine"))
    var off: String?

    @Option(
        name: .customLong("for"), help: ArgumentHelp("How long it stays loaded, from 1s to 365d.", valueName: "time"))
    var time: String?

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the plan, or what was done, as JSON.")
    var json = false

    func validate() throws {
        if let model { try ModelPlaceFlags.check(model) }
        guard model != nil || (on == nil && off == nil) else { throw ValidationError("name the model to move") }
        guard on != nil || time == nil else { throw ValidationError("--for is for a model that is loaded: give --on") }
        guard on == nil || on != off else { throw ValidationError("--on and --off name the same machine") }
    }

    func run() async throws {
        let client = try node.client()
        if let model, on != nil || off != nil { return try await move(model, client) }
        let query = model.map { "?model=" + PathSegment.escaped($0) } ?? ""
        let plan = try await client.get(PlaceMessage.Plan.self, "/api/place" + query)
        if model == nil {
            try Terminal.print(plan, json: json, as: PlaceReport.self)
        } else {
            try Terminal.print(plan, json: json, as: PlacedModelReport.self)
        }
    }

    private func move(_ model: String, _ client: NodeClient) async throws {
        let seconds = try time.map { try Lifetime($0, flag: "--for", within: 1...31_536_000).seconds }
        var done: [ModelMessage.Done] = []
        if let on {
            if Terminal.isTerminal(.standardError) {
                Terminal.note(Terminal.errorStyle.dim("loading \(model.printable) on \(on.printable) …"))
            }
            done.append(
                try await client.post(
                    ModelPlaceFlags.path(model, "/load?node=") + PathSegment.escaped(on),
                    ModelMessage.LoadRequest(forSeconds: seconds), patience: ModelLoad.patience))
        }
        if let off {
            do {
                done.append(
                    try await client.post(
                        ModelPlaceFlags.path(model, "/unload?node=") + PathSegment.escaped(off), NoMessage()))
            } catch let error as CommandError {
                let half = on.map { "\(model) is loaded on \($0) now, and stays on \(off): " } ?? ""
                throw CommandError(error.status, half + "\(off) does not unload it: \(error.message)")
            }
        }
        let lines = done.map { "\($0.deed == .load ? "loaded" : "unloaded") \($0.name) on \($0.node)".printable }
        try Terminal.print(done, json: json, or: lines)
    }
}
