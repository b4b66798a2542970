// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithInference
import KithModel

struct ModelCopy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy", abstract: "Copy a model from another machine of yours, or give it a second name.",
        discussion: """
            With --from its weights come from that machine, and from others of yours that have the same, without the \
            internet: to this machine, or to that of --node. Ctrl-C only ends the watching, and --cancel ends the copy. One \
            that was interrupted goes on where it stopped.

            With --as the model has a second name on its machine. Both names have the same weights, which take their room \
            once.

            EXAMPLES:
              kith model copy smollm2-135m-instruct --from desk
              kith model copy llama3.2:1b --from desk --node box
              kith model copy llama3.2:1b --as helper
            """)

    @Argument(help: "The model.")
    var model: String

    @OptionGroup var node: ControlFlags

    @OptionGroup var place: ModelPlaceFlags

    @Option(name: .customLong("from"), help: ArgumentHelp("The machine of yours that has it.", valueName: "name"))
    var source: String?

    @Option(name: .customLong("as"), help: ArgumentHelp("The second name.", valueName: "name"))
    var newName: String?

    @Flag(help: "End a copy that is under way.")
    var cancel = false

    @Flag(help: "Print each sign of progress, or the model of the second name, as a line of JSON.")
    var json = false

    func validate() throws {
        try ModelPlaceFlags.check(model)
        guard [source != nil, newName != nil, cancel && source == nil].count(where: { $0 }) == 1 else {
            throw ValidationError("say where to copy it from with --from, or its second name with --as")
        }
        if cancel, newName != nil { throw ValidationError("--cancel ends a copy from another machine") }
    }

    func run() async throws {
        let client = try node.client()
        if cancel { return try await PullWatch.end(model, place, on: client, json: json) }
        if let source {
            let watch = PullWatch(words: PullWatch.copy, json: json)
            return try await watch.follow(.init(name: model, engine: place.engine, from: source), place, on: client)
        }
        let done: ModelMessage.Done = try await client.post(
            ModelPlaceFlags.path(model, "/copy") + place.query(), ModelMessage.CopyRequest(newName: newName ?? ""))
        try Terminal.print(done, json: json, or: ["\(model) on \(done.node) is \(done.name) too".printable])
    }
}
