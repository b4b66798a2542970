// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import KithTransport
import NIOCore
import NIOHTTP1
import SystemPackage

struct Ask: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask the mesh and print the answer as it comes.",
        discussion: """
            The answer goes to standard output; who answered and why goes to standard error. In a terminal, control
            characters of the answer are shown as pictures; a file or a pipe gets the answer as the model wrote it.

            EXAMPLES:
              kith ask "why is the sky blue?"
              git diff | kith ask -                     the prompt from standard input
              kith ask "hello" --node laptop            one node's engine
              kith ask "count" --max-tokens 20 --json

            \(ExitStatus.explanation)
            """)

    @OptionGroup var question: QuestionFlags

    @OptionGroup var node: NodeFlags

    @Option(help: ArgumentHelp("How freely tokens are chosen, 0 to 2.", valueName: "number"))
    var temperature: Double?

    @Option(help: ArgumentHelp("Seconds to wait for the first token.", valueName: "seconds"))
    var timeout: Int = 300

    @Option(
        help: ArgumentHelp(
            "Seconds within which the whole answer must be there; it is broken off then.", valueName: "seconds"))
    var deadline: Double?

    @Flag(help: "Print one JSON object when the answer is whole.")
    var json = false

    func validate() throws {
        if let deadline, !(0.001...86_400).contains(deadline) {
            throw ValidationError("--deadline must be from 0.001 to 86400")
        }
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout must be from 1 to 86400") }
    }

    func run() async throws {
        let asking = Asking(
            client: try node.client(),
            request: AskRequest(
                prompt: try question.text(for: "kith ask"), model: question.model, maxTokens: question.maxTokens,
                temperature: temperature),
            node: question.node, deadline: deadline, firstByte: .seconds(timeout), output: json ? .json : .text)
        try await Interruption.cancelling { try await asking.run() }
    }
}

/// One question on its way.
private struct Asking: Sendable {
    enum Output: Sendable { case text, json }

    var client: NodeClient
    var request: AskRequest
    var node: String?
    /// Seconds.
    var deadline: Double?
    var firstByte: Duration
    var output: Output

    func run() async throws {
        var headers: HTTPHeaders = ["Accept": "text/event-stream"]
        if let node { headers.add(name: "x-kith-node", value: node) }
        if let deadline { headers.add(name: "x-kith-timeout", value: AskDeadline.text(deadline)) }
        let response = try await client.stream(
            "/v1/chat/completions", body: try JSONBody.encode(request), headers: headers,
            limits: UpstreamLimits(firstByte: firstByte, stall: .seconds(120)))
        var route = RouteNote(header: response.headers.first(name: "x-kith-route") ?? "")
        var transcript = AskTranscript()
        do {
            try await read(response.body, into: &transcript, &route)
            try transcript.end()
        } catch {
            try endLine(after: transcript)
            throw Self.cutOff(error)
        }
        try finish(transcript, route: route)
    }

    private func read(
        _ body: UpstreamBody, into transcript: inout AskTranscript, _ route: inout RouteNote
    ) async throws {
        var decoder = ServerSentEventDecoder()
        for try await piece in body {
            for event in try decoder.feed(piece.readableBytesView) {
                let added = try transcript.take(event)
                if output == .text, !added.isEmpty { try Terminal.write(Self.shown(added)) }
            }
            // A node that had to begin before it knew who answers says so in a comment.
            for comment in decoder.takeComments() where route.node == nil && comment.hasPrefix(Self.answeredBy) {
                route = RouteNote(header: String(comment.dropFirst(Self.answeredBy.count)))
            }
        }
    }

    private static func shown(_ piece: String) -> TerminalText {
        TerminalText(answer: piece, isTerminal: Terminal.isTerminal(.standardOutput))
    }

    private static let answeredBy = "answered by "

    private func finish(_ transcript: AskTranscript, route: RouteNote) throws {
        switch output {
        case .json: try Terminal.printJSON(AskResult(transcript, route: route))
        case .text:
            try endLine(after: transcript)
            var sentence = route.sentence + transcript.continuationNote
            if transcript.finishReason == "length" { sentence += "; stopped at the token limit" }
            Terminal.note(Terminal.errorStyle.dim(sentence))
        }
    }

    private func endLine(after transcript: AskTranscript) throws {
        guard output == .text, !transcript.text.isEmpty, !transcript.text.hasSuffix("\n") else { return }
        try Terminal.write(Self.shown("\n"))
    }

    private static func cutOff(_ error: any Error) -> any Error {
        guard let failure = error as? ChatError else { return error }
        return CommandError(.cutOff, "the answer was cut off: \(failure.message)")
    }
}

/// A prompt, and how and by which node it is to be answered.
struct QuestionFlags: ParsableArguments {
    private static let longestPrompt = 1_048_576

    @Argument(help: "The prompt; - reads it from standard input, as does no prompt when that is not a terminal.")
    var prompt: String?

    @Option(
        help: ArgumentHelp(
            "The model to ask, or an alias: auto, fast, code or one of your own; else whatever the best node offers.",
            valueName: "model"))
    var model: String?

    @Option(name: .customLong("node"), help: ArgumentHelp("The node whose engine is to answer.", valueName: "name"))
    var node: String?

    @Option(help: ArgumentHelp("Tokens made at most.", valueName: "count"))
    var maxTokens: Int?

    func validate() throws {
        if let node, NodeName(node) == nil { throw ValidationError("'\(node)' is not a node's name") }
    }

    /// Whether any of the flags was given.
    var isGiven: Bool { prompt != nil || model != nil || node != nil || maxTokens != nil }

    /// - Parameter command: What to name in the example where there is no prompt.
    func text(for command: String) throws -> String {
        if let prompt, prompt != "-" { return prompt }
        let isTyped = prompt == nil && Terminal.isTerminal(.standardInput)
        let text = isTyped ? "" : try Terminal.readInput(limit: Self.longestPrompt)
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw ValidationError("there is no prompt; try \(command) \"why is the sky blue?\"")
        }
        return text
    }
}
