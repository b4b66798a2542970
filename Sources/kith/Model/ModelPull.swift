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
        if cancel { return try await PullWatch.end(model, place, on: client, json: json) }
        let watch = PullWatch(words: PullWatch.pull, json: json)
        try await watch.follow(.init(name: model, engine: place.engine), place, on: client)
    }
}

/// Has a machine get a model, and shows how far that is.
struct PullWatch {
    /// Longer than a node that tells of a pull is ever silent.
    private static let silence = Duration.seconds(45)

    /// What it is called.
    struct Words {
        var noun: String
        var done: String
    }

    static let pull = Words(noun: "pull", done: "pulled")
    static let copy = Words(noun: "copy", done: "copied")

    let words: Words
    let json: Bool

    static func end(_ model: String, _ place: ModelPlaceFlags, on client: NodeClient, json: Bool) async throws {
        let path = "/api/models/pull/" + PathSegment.escaped(model) + place.query()
        let done: ModelMessage.Done = try await client.delete(path)
        try Terminal.print(done, json: json, or: ["the pull of \(model) is being ended".printable])
    }

    func follow(_ request: ModelMessage.PullRequest, _ place: ModelPlaceFlags, on client: NodeClient) async throws {
        do {
            try await Interruption.cancelling { try await watch(request, place, client) }
        } catch let failure as CommandError where failure.status == .interrupted {
            Terminal.note(
                "the \(words.noun) of \(request.name.printable) goes on; kith model list shows how far it is, --cancel ends it"
            )
            throw failure
        }
    }

    private func watch(
        _ request: ModelMessage.PullRequest, _ place: ModelPlaceFlags, _ client: NodeClient
    ) async throws {
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
            throw CommandError(.cutOff, "\(failure.message); kith model list shows how far it is")
        }
        meter.clear()
        guard let last, last.state != .running else {
            throw CommandError(.cutOff, "the node has ended the connection; kith model list shows how far it is")
        }
        let end = try PullWords.end(last, words.done)
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
