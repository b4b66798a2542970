// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import KithNode
import KithTransport
import NIOCore
import NIOHTTP1
import SystemPackage

struct Ask: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask the mesh and print the answer as it comes.",
        discussion: """
            The answer goes to standard output; who answered, and how fast, goes to standard error, with -v also why. In a terminal, control
            characters of the answer are shown as pictures; a file or a pipe gets the answer as the model wrote it.

            EXAMPLES:
              kith ask why is the sky blue
              git diff | kith ask "what could break?" -      standard input, where the - is
              kith ask "what is wrong here?" --file Sources/main.swift --file photo.jpg
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

    @Flag(name: .shortAndLong, help: "Say also why that machine answered, and why not the others.")
    var verbose = false

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
                turns: [.user(try question.question())], model: question.model, maxTokens: question.maxTokens,
                temperature: temperature),
            node: question.node, deadline: deadline, firstByte: .seconds(timeout), output: json ? .json : .text,
            verbose: verbose)
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
    var verbose: Bool

    func run() async throws {
        let began = ContinuousClock.now
        var firstText: ContinuousClock.Instant?
        var headers: HTTPHeaders = ["Accept": "text/event-stream"]
        if let node { headers.add(name: "x-kith-node", value: node) }
        if let deadline { headers.add(name: "x-kith-timeout", value: AskDeadline.text(deadline)) }
        let response = try await client.stream(
            "/v1/chat/completions", body: try JSONBody.encode(request), headers: headers,
            limits: UpstreamLimits(firstByte: firstByte, stall: .seconds(120)))
        var route = RouteNote(header: response.headers.first(name: "x-kith-route") ?? "")
        var transcript = AskTranscript()
        do {
            try await read(response.body, into: &transcript, &route, &firstText)
            try transcript.end()
        } catch {
            try endLine(after: transcript)
            guard let failure = error as? ChatError else { throw error }
            throw transcript.broken(failure.message)
        }
        let end = ContinuousClock.now
        try finish(
            transcript, route: route, writing: firstText.map { end - $0 } ?? .zero, total: end - began)
    }

    private func read(
        _ body: UpstreamBody, into transcript: inout AskTranscript, _ route: inout RouteNote,
        _ firstText: inout ContinuousClock.Instant?
    ) async throws {
        var decoder = ServerSentEventDecoder()
        var waiting = ""
        defer { endWaiting(&waiting) }
        for try await piece in body {
            for event in try decoder.feed(piece.readableBytesView) {
                let added = try transcript.take(event)
                if firstText == nil, !added.isEmpty { firstText = .now }
                if output == .text, !added.isEmpty {
                    endWaiting(&waiting)
                    try Terminal.write(Self.shown(added))
                }
            }
            for comment in decoder.takeComments() { note(comment, transcript, &route, &waiting) }
        }
    }

    /// The answer stands where it was said what is waited for.
    private func endWaiting(_ waiting: inout String) {
        if !waiting.isEmpty { Terminal.note(TerminalText(inPlace: "")) }
        waiting = ""
    }

    private func note(
        _ comment: String, _ transcript: AskTranscript, _ route: inout RouteNote, _ waiting: inout String
    ) {
        if route.node == nil, comment.hasPrefix(Self.answeredBy) {
            // A node that had to begin before it knew who answers says so in a comment.
            route = RouteNote(header: String(comment.dropFirst(Self.answeredBy.count)))
        } else if output == .text, transcript.text.isEmpty, comment != waiting, Terminal.isTerminal(.standardError) {
            waiting = comment
            let words = "waiting: " + comment.printable
            Terminal.note(
                TerminalText(
                    inPlace: Terminal.errorStyle.dim(words.truncated(toWidth: max(8, Terminal.errorWidth - 1)))))
        }
    }

    private static func shown(_ piece: String) -> TerminalText {
        TerminalText(answer: piece, isTerminal: Terminal.isTerminal(.standardOutput))
    }

    private static let answeredBy = "answered by "

    /// - Parameters:
    ///   - writing: From the first text to the end.
    ///   - total: From the question to the end.
    private func finish(
        _ transcript: AskTranscript, route: RouteNote, writing: Duration, total: Duration
    ) throws {
        switch output {
        case .json: try Terminal.printJSON(AskResult(transcript, route: route))
        case .text:
            try endLine(after: transcript)
            let pace = AnswerNote.Pace(
                tokens: transcript.usage?["completion_tokens"]?.intValue, writing: writing, total: total)
            var sentence = AnswerNote(route, pace).text(isDetailed: verbose) + transcript.continuationNote
            if transcript.finishReason == "length" { sentence += "; stopped at the token limit" }
            Terminal.note(Terminal.errorStyle.dim(sentence))
        }
    }

    private func endLine(after transcript: AskTranscript) throws {
        guard output == .text, !transcript.text.isEmpty, !transcript.text.hasSuffix("\n") else { return }
        try Terminal.write(Self.shown("\n"))
    }

}

/// A prompt, and how and by which node it is to be answered.
struct QuestionFlags: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The prompt, quoted or not; - stands for standard input, which is also read when there is no prompt and it is "
                + "not a terminal.", valueName: "prompt"))
    var words: [String] = []

    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp(
            "A file that belongs to the prompt: text, or a picture for a model that sees. May be repeated.",
            valueName: "path"),
        completion: .file())
    var file: [String] = []

    @Option(
        name: [.customShort("m"), .long],
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
    var isGiven: Bool { !words.isEmpty || !file.isEmpty || model != nil || node != nil || maxTokens != nil }

    /// - Throws: `CommandError`.
    func question() throws -> Question {
        let files = try file.map { try AskedFile(path: $0) }
        let isAsked = words.contains(Question.inputMark)
        let isPiped = words.isEmpty && files.isEmpty && !Terminal.isTerminal(.standardInput)
        // In a loop such as `while read line`, standard input is what the loop reads, and not meant for the prompt.
        if !isAsked, !isPiped, Terminal.hasUnreadInput {
            Terminal.note(
                "standard input is not read; a - among the words says where it goes, as in: kith ask \"sum up\" -")
        }
        return try Question(
            words: words, input: isAsked || isPiped ? try Terminal.readInput(limit: Question.longestText) : nil,
            files: files)
    }
}

extension AskedFile {
    /// - Throws: `CommandError` when the file is not there, cannot be read or is too large.
    init(path: String) throws(CommandError) {
        let found: [UInt8]?
        do {
            found = try BoundedFile.bytesIfPresent(path, limit: Question.largestPictures)
        } catch {
            throw CommandError(.usage, "\(path) cannot be read: \(error)")
        }
        guard let found else { throw CommandError(.usage, "there is no file \(path)") }
        self.init(name: path, bytes: found)
    }
}
