// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import KithTransport
import NIOCore
import NIOHTTP1
import SystemPackage

struct ModelPull: AsyncParsableCommand {
    /// Longer than a node that tells of a pull is ever silent.
    private static let silence = Duration.seconds(45)

    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Get a model, through the engine of a machine.",
        discussion: """
            The machine gets it from where its engine gets models: Ollama from its library, or from hf.co. Ctrl-C only \
            ends the watching; the same command watches again, and --cancel ends the pull. One that was interrupted goes \
            on where it stopped.

            EXAMPLES:
              kith model pull llama3.2:1b
              kith model pull hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M --node desk
              kith model pull llama3.2:1b --cancel
            """)

    @Argument(help: "The model, by the name that the engine knows.")
    var model: String

    @OptionGroup var node: ControlFlags

    @OptionGroup var place: ModelPlaceFlags

    @Flag(help: "End a pull that is under way.")
    var cancel = false

    @Flag(help: "Print each sign of progress as a line of JSON.")
    var json = false

    func validate() throws { try ModelPlaceFlags.check(model) }

    func run() async throws {
        let client = try node.client()
        if cancel {
            let path = "/api/models/pull/" + PathSegment.escaped(model) + place.query()
            let done: ModelMessage.Done = try await client.delete(path)
            return try Terminal.print(done, json: json, or: ["the pull of \(model) is being ended".printable])
        }
        do {
            try await Interruption.cancelling { try await follow(client) }
        } catch let failure as CommandError where failure.status == .interrupted {
            Terminal.note(
                "the pull of \(model.printable) goes on; kith model list shows how far it is, --cancel ends it")
            throw failure
        }
    }

    private func follow(_ client: NodeClient) async throws {
        let request = ModelMessage.PullRequest(name: model, engine: place.engine)
        let response = try await client.stream(
            "/api/models/pull" + place.query(), body: try JSONBody.encode(request), headers: [:],
            limits: UpstreamLimits(silence: Self.silence))
        let meter = ProgressMeter()
        var last: ModelMessage.Pull?
        var decoder = ServerSentEventDecoder(limit: 1 << 20)
        do {
            for try await piece in response.body {
                for event in try decoder.feed(piece.readableBytesView) where event.name == "pull" {
                    let pull = try JSONBody.decode(ModelMessage.Pull.self, from: Array(event.data.utf8))
                    try show(pull, after: last, meter)
                    last = pull
                }
            }
        } catch let failure as ChatError {
            meter.clear()
            throw CommandError(.cutOff, "\(failure.message); kith model list shows how far the pull is")
        }
        meter.clear()
        guard let last, last.state != .running else {
            throw CommandError(.cutOff, "the node has ended the connection; kith model list shows how far the pull is")
        }
        let end = try PullWords.end(last)
        if !json { try Terminal.printLines([end]) }
    }

    private func show(_ pull: ModelMessage.Pull, after last: ModelMessage.Pull?, _ meter: ProgressMeter) throws {
        if json {
            try Terminal.write(
                TerminalText(json: String(decoding: try JSONBody.encodeLine(pull), as: UTF8.self) + "\n"))
        } else if Terminal.isTerminal(.standardError) {
            meter.show(PullWords.bar(pull))
        } else if pull.state == .running, let line = PullWords.line(pull, after: last) {
            Terminal.note(line)
        }
    }
}
