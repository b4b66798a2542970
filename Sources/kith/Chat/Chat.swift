// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import KithTransport
import NIOCore
import NIOHTTP1
import Synchronization
import SystemPackage
import UnixSignals

struct Chat: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Talk with the mesh, in a conversation that is kept.",
        discussion: """
            Type and press return; /help lists what else can be typed. The conversation stays with the node, also when the
            terminal is closed in the middle of an answer: go on with it here with --session, on the node's page, or on another
            machine after kith session send.

            EXAMPLES:
              kith chat
              kith chat --session kitchen               a conversation of that name, begun or gone on with
              kith chat --model code --node desk
              kith chat < questions.txt                 a line a question

            \(ExitStatus.explanation)
            """)

    @Option(help: ArgumentHelp("The conversation; without it a new one.", valueName: "name"))
    var session: String?

    @Option(help: ArgumentHelp("The model to ask, or an alias.", valueName: "model"))
    var model: String?

    @Option(name: .customLong("node"), help: ArgumentHelp("The machine to ask.", valueName: "name"))
    var machine: String?

    @Flag(help: "Do not give the model what the mesh has learned.")
    var noCulture = false

    @OptionGroup var node: NodeFlags

    func validate() throws {
        if let session, SessionID(session) == nil {
            throw ValidationError("--session has 1 to 128 bytes and no control characters")
        }
        if let machine, NodeName(machine) == nil { throw ValidationError("'\(machine)' is not a machine's name") }
    }

    func run() async throws {
        var conversation = Conversation(
            client: try node.client(), session: session.flatMap { SessionID($0) } ?? .fresh(),
            model: model.map { ModelID($0) }, machine: machine.flatMap { NodeName($0) }, usesCulture: !noCulture)
        // Nobody is to write a prompt for nobody.
        // Says what to do where no node runs.
        _ = try await conversation.client.get(NodeStatus.self, "/api/status")
        if session != nil { try await conversation.showHistory() }
        let watch = conversation.interrupts.watch(await UnixSignalsSequence(trapping: [.sigint, .sigterm]))
        defer { watch.cancel() }
        try await conversation.run()
    }
}

extension SessionID {
    fileprivate static func fresh() -> SessionID {
        // Short enough to be typed, and not the same twice on one node.
        SessionID("chat-\(RequestID.random().rawValue.suffix(8))") ?? .random()
    }
}

/// One conversation in a terminal, or with a pipe.
private struct Conversation {
    let client: NodeClient
    var session: SessionID
    var model: ModelID?
    var machine: NodeName?
    let usesCulture: Bool
    let interrupts = Interrupts()
    private var files: [AskedFile] = []
    private var route: [String] = []
    private let isTyped = Terminal.isTerminal(.standardInput)

    init(client: NodeClient, session: SessionID, model: ModelID?, machine: NodeName?, usesCulture: Bool) {
        self.client = client
        self.session = session
        self.model = model
        self.machine = machine
        self.usesCulture = usesCulture
    }

    private var path: String { Session.path(session.rawValue) }

    mutating func run() async throws {
        if isTyped { note("conversation \(session.rawValue); /help lists commands, Ctrl-D ends") }
        var lines = ChatLines()
        while let line = await TypedLine.next(prompt: isTyped ? (lines.isWithin ? "… " : "> ") : nil) {
            guard let said = lines.take(line) else { continue }
            do {
                guard try await act(on: ChatInput(said)) else { return }
            } catch let error as CommandError where isTyped && error.status != .outputClosed {
                note("kith: " + error.message)
            } catch let failure as ChatError {
                // The connection broke in the middle: the node makes the answer to its end, and keeps it.
                let error = CommandError(.cutOff, "\(failure.message); /history shows what came of it")
                guard isTyped else { throw error }
                note("kith: " + error.message)
            }
        }
    }

    /// - Returns: Whether the conversation goes on.
    private mutating func act(on input: ChatInput) async throws -> Bool {
        switch input {
        case .say(let text): try await say(text)
        case .model(let chosen):
            model = chosen
            note("the next answer is by " + (chosen.map(\.rawValue) ?? "whichever model your machines offer"))
            for line in await ListedModels.warnings(of: chosen.map { [$0.rawValue] } ?? [], client) { note(line) }
        case .node(let chosen):
            machine = chosen
            note("the next answer is by " + (chosen.map(\.rawValue) ?? "whichever machine is soonest"))
        case .route: note(route.isEmpty ? "nobody has answered yet" : route.joined(separator: "\n"))
        case .file(let path):
            files.append(try AskedFile(path: path))
            note("\(path) goes with what you say next")
        case .history: try await showHistory()
        case .session(let chosen):
            session = chosen ?? .fresh()
            note("conversation \(session.rawValue)")
            if chosen != nil { try await showHistory() }
        case .help: note(ChatInput.commands.joined(separator: "\n"))
        case .refused(let why): note(why)
        case .nothing: break
        case .quit: return false
        }
        return true
    }

    private mutating func say(_ text: String) async throws {
        let question = try Question(words: [text], input: nil, files: files)
        files = []
        let body = try JSONBody.encode(
            ChatMessageBody(question, model: model, node: machine, usesCulture: usesCulture))
        let (client, path) = (client, path)
        let told = ToldRoute()
        defer { route = told.lines.isEmpty ? route : told.lines }
        let answer = Task {
            let stream = try await client.stream(
                path + "/messages", body: body, headers: ["Accept": "text/event-stream"],
                limits: UpstreamLimits(firstByte: .seconds(300), stall: .seconds(120)))
            try await Self.follow(stream.body, told)
        }
        do {
            try await interrupts.aimed(at: answer)
        } catch  where answer.isCancelled {
            // The answer is stopped at the node too; what was said is kept.
            try? await client.remove(path + "/answer")
            try Terminal.write(TerminalText(answer: "\n", isTerminal: isTyped))
            guard isTyped else { throw CommandError(.interrupted) }
            note("stopped")
        }
    }

    private static func follow(_ body: UpstreamBody, _ told: ToldRoute) async throws {
        var decoder = ServerSentEventDecoder()
        var transcript = ChatTranscript()
        let isTerminal = Terminal.isTerminal(.standardOutput)
        for try await piece in body {
            for event in try decoder.feed(piece.readableBytesView) {
                defer { told.lines = transcript.route }
                switch try transcript.take(event) {
                case .text(let text): try Terminal.write(TerminalText(answer: text, isTerminal: isTerminal))
                case .note(let line):
                    if transcript.isOver, !transcript.text.hasSuffix("\n"), !transcript.text.isEmpty {
                        try Terminal.write(TerminalText(answer: "\n", isTerminal: isTerminal))
                    }
                    if transcript.isOver || Terminal.isTerminal(.standardError) {
                        Terminal.note(Terminal.errorStyle.dim("— " + line))
                    }
                case nil: continue
                }
            }
        }
        guard transcript.isOver else {
            throw CommandError(.cutOff, "the node went away in the middle of the answer; it is kept when it is whole")
        }
    }

    func showHistory() async throws {
        guard let found = try await client.find(SessionMessage.Session.self, path) else {
            return note("nothing was said in \(session.rawValue) yet")
        }
        for line in SessionsReport.transcript(found, style: Terminal.errorStyle) { Terminal.note(line) }
    }

    private func note(_ text: String) {
        for line in text.split(separator: "\n") { Terminal.note(Terminal.errorStyle.dim(String(line).printable)) }
    }
}

/// What Ctrl-C ends: the answer that is being made, or at the prompt the whole command.
private final class Interrupts: Sendable {
    private let answer = Mutex<Task<Void, any Error>?>(nil)

    func watch(_ signals: UnixSignalsSequence) -> Task<Void, Never> {
        Task {
            for await signal in signals {
                guard signal == .sigint, let answer = answer.withLock({ $0 }) else { Terminal.exit(.interrupted) }
                answer.cancel()
            }
        }
    }

    /// Waits for an answer, which is what is meant meanwhile.
    func aimed(at task: Task<Void, any Error>) async throws {
        answer.withLock { $0 = task }
        defer { answer.withLock { $0 = nil } }
        try await task.value
    }
}

/// Who answers, as far as it is known: also of an answer that was stopped.
private final class ToldRoute: Sendable {
    private let told = Mutex<[String]>([])

    var lines: [String] {
        get { told.withLock { $0 } }
        set { told.withLock { $0 = newValue } }
    }
}

/// The body of `POST /api/sessions/{id}/messages`; see `SessionQuestion`.
private struct ChatMessageBody: Encodable {
    var message: String
    var model: String?
    var node: String?
    var images: [String]
    var culture: Bool

    init(_ question: Question, model: ModelID?, node: NodeName?, usesCulture: Bool) {
        message = question.text
        images = question.pictures.map(\.dataAddress)
        self.model = model?.rawValue
        self.node = node?.rawValue
        culture = usesCulture
    }
}

/// Lines of standard input, read without holding up anything else.
private enum TypedLine {
    /// - Parameter prompt: Written before it to a terminal.
    /// - Returns: `nil` at the end of the input.
    @concurrent
    static func next(prompt: String?) async -> String? {
        if let prompt { Terminal.note(prompt, end: "") }
        let line = readLine()
        if line == nil, prompt != nil { Terminal.note("") }
        return line
    }
}
