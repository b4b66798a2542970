// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Reads the streamed answer of an engine that speaks OpenAI's API: bytes in, what they mean out.
///
/// A value. Reads all forms that engines write. An answer is whole when the engine gives a finish reason or sends `[DONE]`.
package struct OpenAIEventReader: Sendable {
    /// What the answer is read for.
    package enum Mode: Hashable, Sendable {
        /// For a client of the same dialect: events are passed on, most of them byte for byte. An event that reports only
        /// the usage is passed on to a client that asked for it.
        case raw(includesUsage: Bool)
        /// For a client of another dialect.
        case decoded
    }

    /// Events beside those of the dialect, such as a node's between those of its engine.
    package struct OwnEvents: Sendable {
        let name: String
        let read: @Sendable ([UInt8]) throws -> ChatEvent

        /// - Parameter read: What an event of this name means, from its data.
        package init(named name: String, read: @escaping @Sendable ([UInt8]) throws -> ChatEvent) {
            self.name = name
            self.read = read
        }
    }

    package static let defaultLimit = LineDecoder.defaultLimit

    private let mode: Mode
    private let kind: ChatRequest.Kind
    private let limit: Int
    private let own: OwnEvents?
    private var framing: EventFraming
    private var mending: OpenAIEventMending
    private var progress = OpenAIAnswerProgress()
    /// What the last events had in common, and how many templates were made: for an engine whose events have too little
    /// in common, no more than a few are.
    private var template: OpenAIEventTemplate?
    private var templates = 0
    /// The body, when it is not a stream but one whole answer.
    private var whole: [UInt8]?
    private var hasBegun = false
    private var isDone = false

    /// - Parameters:
    ///   - fallback: What is used as `id`, `created` and `model` where the engine gives none.
    ///   - continued: What the events of the answer's beginning said, which came from another engine; each event of the
    ///     rest says the same.
    ///   - limit: Bytes of one event; a longer one is an error.
    package init(
        kind: ChatRequest.Kind, mode: Mode, fallback: OpenAIAnswerHeader, continued: OpenAIAnswerHeader? = nil,
        limit: Int = OpenAIEventReader.defaultLimit, own: OwnEvents? = nil
    ) {
        self.own = own
        self.mode = mode
        self.kind = kind
        self.limit = limit
        framing = EventFraming(limit: limit)
        mending = OpenAIEventMending(kind: kind, fallback: fallback, continued: continued)
    }

    /// What the events of the answer say so far, for the engine that has to continue it.
    package var header: OpenAIAnswerHeader {
        mending.continued
            ?? OpenAIAnswerHeader(
                id: mending.header.id ?? mending.fallback.id,
                created: mending.header.created ?? mending.fallback.created,
                model: mending.header.model ?? mending.fallback.model)
    }

    /// - Parameter events: Receives what the bytes add to the answer, including what came before a failure.
    /// - Throws: `ChatError` with `invalidAnswer` for what is not of this dialect, and with `engineError`, in the
    ///   engine's words, for an error that it reports in the stream.
    package mutating func feed(_ bytes: some Collection<UInt8>, into events: inout [ChatEvent]) throws {
        let isFed: Void? = try bytes.withContiguousStorageIfAvailable { try feed(buffer: $0, into: &events) }
        if isFed == nil { try Array(bytes).withUnsafeBufferPointer { try feed(buffer: $0, into: &events) } }
    }

    /// Call when the body has ended.
    ///
    /// - Throws: As ``feed(_:into:)``, and `ChatError` with `interrupted` when the answer is not whole.
    package mutating func end() throws -> [ChatEvent] {
        guard !isDone else { return [] }
        if let whole { return try take(whole: whole) }
        var output = OpenAIEventOutput()
        var framing = framing
        try framing.finish { try take($0, &output) }
        if !isDone {
            guard progress.isWhole else {
                throw ChatError(.interrupted, "the engine's answer ended before it was whole")
            }
            finish(&output)
        }
        return output.taken()
    }

    /// The events of a whole answer, from an engine that does not stream although it was asked to.
    ///
    /// - Throws: `ChatError` with `invalidAnswer` for what is not of this dialect, and with `engineError` for an error.
    package static func events(
        ofWhole body: [UInt8], kind: ChatRequest.Kind, mode: Mode, fallback: OpenAIAnswerHeader
    ) throws -> [ChatEvent] {
        var reader = OpenAIEventReader(kind: kind, mode: mode, fallback: fallback)
        return try reader.take(whole: body)
    }

    /// What these events of an answer say of its first choice.
    ///
    /// - Parameter bytes: Whole events, of an answer that is read in mode ``Mode/raw(includesUsage:)``.
    package static func deltas(in bytes: [UInt8], kind: ChatRequest.Kind) -> [ChatDelta] {
        var reader = OpenAIEventReader(
            kind: kind, mode: .decoded, fallback: OpenAIAnswerHeader(id: "", created: 0, model: ""))
        var events: [ChatEvent] = []
        // They have been read before: none of them is odd, and an error would have ended the answer there.
        try? reader.feed(bytes, into: &events)
        return events.compactMap { if case .delta(let delta) = $0 { delta } else { nil } }
    }

    // MARK: Events

    private mutating func feed(buffer: UnsafeBufferPointer<UInt8>, into events: inout [ChatEvent]) throws {
        guard !isDone else { return }
        if !hasBegun, let first = buffer.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) {
            hasBegun = true
            if first == UInt8(ascii: "{") { whole = [] }
        }
        if whole != nil {
            guard (whole?.count ?? 0) + buffer.count <= limit else {
                throw ChatError(.invalidAnswer, "the engine's answer is longer than \(limit) bytes")
            }
            whole?.append(contentsOf: buffer)
            return
        }
        var output = OpenAIEventOutput(capacity: buffer.count)
        // Taken out, so that it and the rest can change at the same time.
        var framing = EventFraming(limit: limit)
        swap(&framing, &self.framing)
        defer {
            self.framing = framing
            output.move(into: &events)
        }
        try framing.feed(buffer) { try take($0, &output) }
    }

    private mutating func take(_ item: EventFraming.Item, _ output: inout OpenAIEventOutput) throws {
        guard !isDone else { return }
        switch item {
        case .comment(let words): output.comment(words)
        case .event(let event): try take(event, &output)
        }
    }

    private mutating func take(_ event: EventFraming.Event, _ output: inout OpenAIEventOutput) throws {
        if let own, event.name == own.name {
            let event = try own.read(Array(event.data))
            if case .finished = event { isDone = true }
            if case .rawEnd = event { isDone = true }
            return output.own(event)
        }
        if let template, event.isPlain, let text = template.text(in: event.data) {
            progress.note(piece: text)
            return output.raw(event.data, whole: event.whole, text: text)
        }
        if Self.isDoneMark(event.data) { return finish(&output) }
        guard event.name != "error", let (scan, scanner) = try? OpenAIEventScan.read(event.data, kind),
            scan.isCanonical,
            !scan.hasError, mode == .decoded || event.isPlain && mending.continued == nil, try accepts(scan)
        else { return try takeOdd(event, &output) }
        note(scan, scanner)
        if mode == .decoded, scan.first.map({ $0.hasMore || !$0.calls.isEmpty }) ?? false || !scan.others.isEmpty {
            guard case .object(let members) = try JSONValue(parsing: event.data) else { return }
            try progress.note(scan, scanner)
            return decode(members, &output)
        }
        try pass(event.data, whole: event.whole, scan, scanner, &output)
        if mode != .decoded, templates < 4, let text = scan.onlyText {
            templates += 1
            template = OpenAIEventTemplate(event.data, text: text)
        }
    }

    /// Whether its tool calls are numbered well; notes them then.
    private mutating func accepts(_ scan: OpenAIEventScan) throws -> Bool {
        guard let first = scan.first, !first.calls.isEmpty || !scan.others.isEmpty else { return true }
        var trial = mending
        for choice in [first] + scan.others {
            guard try trial.accepts(choice.calls, choice: choice.index) else { return false }
        }
        mending = trial
        return true
    }

    /// Takes an event that is not in the form that clients rely on.
    private mutating func takeOdd(_ event: EventFraming.Event, _ output: inout OpenAIEventOutput) throws {
        let text = String(decoding: event.data, as: UTF8.self)  // mends what is not UTF-8
        guard let value = try? JSONValue(parsing: text.utf8) else {
            if event.name == "error" { throw EngineComplaint(error: .string(text)).failure() }
            // An event that the end of the body cut off is reported at that end.
            if !event.isClosed || text.allSatisfy(\.isWhitespace) { return }
            throw ChatError(.invalidAnswer, "the engine's stream holds what is not an OpenAI event")
        }
        if event.name == "error" { throw (EngineComplaint(value) ?? EngineComplaint(error: value)).failure() }
        try take(value, &output)
    }

    private mutating func take(_ value: JSONValue, _ output: inout OpenAIEventOutput) throws {
        if value.isNull { return }
        guard case .object(let members) = value else {
            throw ChatError(.invalidAnswer, "the engine's stream holds what is not an OpenAI event")
        }
        if let complaint = EngineComplaint(value) { throw complaint.failure() }
        for choice in members["choices"]?.arrayValue ?? [] {
            if let complaint = EngineComplaint(choice) { throw complaint.failure() }
        }
        guard let mended = try mending.mend(members) else { return }
        let bytes = mended.jsonBytes
        try bytes.withUnsafeBufferPointer { buffer in
            guard let (scan, scanner) = try? OpenAIEventScan.read(buffer, kind), scan.isCanonical else {
                throw ChatError(.invalidAnswer, "the engine's stream holds what is not an OpenAI event")
            }
            guard mode == .decoded else { return try pass(buffer, whole: nil, scan, scanner, &output) }
            try progress.note(scan, scanner)
            decode(mended, &output)
        }
    }

    // MARK: Output

    /// Sends on what has the form that clients rely on.
    private mutating func pass(
        _ data: UnsafeBufferPointer<UInt8>, whole: UnsafeBufferPointer<UInt8>?, _ scan: OpenAIEventScan,
        _ scanner: JSONScanner, _ output: inout OpenAIEventOutput
    ) throws {
        try progress.note(scan, scanner)
        switch mode {
        case .decoded:
            if let choice = scan.first, choice.index == 0, let text = choice.text, !text.isEmpty {
                output.delta(ChatDelta(text: scanner.text(text)))
            }
        case .raw(let includesUsage):
            if scan.first != nil || (includesUsage && scan.usage != nil) {
                output.raw(data, whole: whole, scan, scanner)
            }
        }
    }

    private func decode(_ members: JSONObject, _ output: inout OpenAIEventOutput) {
        for choice in members["choices"]?.arrayValue ?? [] where choice["index"] == 0 {
            let delta = OpenAIDeltaReading.delta(choice, kind: kind)
            if !delta.isEmpty { output.delta(delta) }
        }
    }

    private mutating func finish(_ output: inout OpenAIEventOutput) {
        isDone = true
        switch mode {
        case .raw: output.end(.rawEnd(progress.finish, progress.usage))
        case .decoded: output.end(.finished(progress.finish ?? .stop, progress.usage))
        }
    }

    private mutating func note(_ scan: OpenAIEventScan, _ scanner: JSONScanner) {
        if mending.header.id == nil { mending.header.id = scan.id.map(scanner.text) }
        if mending.header.model == nil { mending.header.model = scan.model.map(scanner.text) }
        if mending.header.created == nil { mending.header.created = scan.created.flatMap { Int(exactly: $0) } }
    }

    /// `[DONE]`, also with spaces around it.
    private static func isDoneMark(_ data: UnsafeBufferPointer<UInt8>) -> Bool {
        guard data.count < 64, data.contains(UInt8(ascii: "[")) else { return false }
        return String(decoding: data, as: UTF8.self).split(separator: " ") == ["[DONE]"]
    }

    // MARK: Whole answers

    private mutating func take(whole body: [UInt8]) throws -> [ChatEvent] {
        isDone = true
        let text = String(decoding: body, as: UTF8.self)
        guard let value = try? JSONValue(parsing: text.utf8), case .object(let answer) = value else {
            throw ChatError(.invalidAnswer, "the engine's answer is neither a stream nor an answer of its dialect")
        }
        if let complaint = EngineComplaint(value) { throw complaint.failure() }
        guard let choices = answer["choices"]?.arrayValue, !choices.isEmpty else {
            throw ChatError(.invalidAnswer, "the engine's answer holds no choices")
        }
        var output = OpenAIEventOutput()
        for event in OpenAIDeltaReading.events(ofWhole: answer, choices, kind: kind) {
            try take(.object(event), &output)
        }
        finish(&output)
        return output.taken()
    }
}
