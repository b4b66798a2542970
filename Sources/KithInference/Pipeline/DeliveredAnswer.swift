// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel

/// What a client has received of an answer, and what happens with the rest when the engine breaks off: a pure value.
package struct DeliveredAnswer: Sendable {
    /// What to do after an engine broke off.
    package enum Next: Sendable {
        /// Another engine is asked for the rest, but none that failed since the last token.
        case ask(ChatRequest)
        /// Nothing but the end is missing.
        case finish(FinishReason, TokenUsage)
        /// No engine can continue.
        case fail(ChatError)
    }

    /// An engine that follows another and has not said anything yet.
    private struct Handover: Sendable {
        var failure: ChatError.Code
        var since: MonotonicInstant
    }

    /// What happens with an event of the engine that answers now.
    package enum Admission: Sendable {
        /// The client is told it.
        case told
        /// It is kept back.
        case held
        /// The client is told these, of which it is the last.
        case released([ChatEvent])
    }

    /// Most bytes that are kept of what the client has; a longer answer cannot be continued elsewhere.
    package static let limit = AnswerCollector.limit
    /// Most bytes that are kept back from the client.
    package static let heldLimit = 4 << 20
    /// How long something is kept back: clients of Anthropic's dialect give up after twenty minutes without a piece.
    package static let heldTime = Duration.seconds(600)
    /// How often another engine may continue, so that every answer ends.
    package static let continuationLimit = 8

    private let request: ChatRequest
    private var text: [UInt8] = []
    private var reasoning = ""
    private var calls = ToolCallJoiner()
    /// Bytes of all that.
    private var weight = 0
    /// Whether the client has seen any of the answer, be it only how it opens.
    private var hasBegun = false
    /// What is kept back; `nil` while everything is told as it comes.
    private var held: [ChatEvent]?
    private var heldWeight = 0
    private var heldSince = MonotonicInstant.zero
    /// Tokens that the client has, as far as that is known: an engine gives a piece for each.
    package private(set) var tokens = 0
    /// Why another engine could not continue; `nil` while one could.
    private var obstacle: String?
    /// Where the engine that answers now took over; `nil` for the first.
    private var resumedFrom: PartialAnswer?
    private var handover: Handover?
    private var lastToken: MonotonicInstant
    private var continuations = 0
    /// The engines that failed since the last token.
    package private(set) var failed: [RouteDecision.Skip] = []

    package init(of request: ChatRequest, now: MonotonicInstant) {
        self.request = request
        lastToken = now
        if !request.mayContinue { obstacle = "going on elsewhere is switched off" }
    }

    // MARK: Holding back

    /// From the first piece of a tool call on, an answer is kept back until it is whole, where another engine could answer
    /// too: that one then makes its own calls, and need not make the same. Clients act on whole calls only.
    ///
    /// - Parameter mayHold: Whether another engine could answer; asked when a call begins.
    package mutating func admit(
        _ event: ChatEvent, now: MonotonicInstant, mayHold: @autoclosure () -> Bool
    ) -> Admission {
        if held == nil {
            guard event.isCall, obstacle == nil, calls.isEmpty, mayHold() else { return .told }
            held = []
            heldSince = now
        }
        switch event {
        case .waiting, .comment: return .told
        case .delta(let delta): heldWeight += delta.weight
        case .raw(let raw): heldWeight += raw.bytes.count
        case .finished, .rawEnd: return .released(release() + [event])
        }
        held?.append(event)
        return heldWeight > Self.heldLimit || now - heldSince > Self.heldTime ? .released(release()) : .held
    }

    private mutating func release() -> [ChatEvent] {
        heldWeight = 0
        return held.take() ?? []
    }

    // MARK: Delivering

    /// Notes `event`, the next that the client is told of the engine that answers now, and changes it to what it is told.
    ///
    /// - Returns: That another engine continues from here, which the client is told first.
    package mutating func take(
        _ event: inout ChatEvent, from candidate: Candidate, now: MonotonicInstant
    ) -> RouteRecord.Continuation? {
        switch event {
        case .waiting, .comment: return nil
        case .delta(let delta):
            tokens += 1
            note(delta)
        case .raw(let raw): note(raw)
        case .finished, .rawEnd: break
        }
        hasBegun = true
        lastToken = now
        if !failed.isEmpty { failed = [] }
        if resumedFrom != nil { event = inAll(event) }
        guard let handover = handover.take() else { return nil }
        return RouteRecord.Continuation(
            candidate: candidate, failure: handover.failure, tokens: resumedFrom?.tokens ?? tokens,
            gap: now - handover.since)
    }

    /// An end says what all of the answer used, not what its last part did.
    private func inAll(_ event: ChatEvent) -> ChatEvent {
        guard let resumedFrom else { return event }
        switch event {
        case .finished(let finish, let usage): return .finished(finish, usage.following(resumedFrom))
        case .rawEnd(let finish, let usage): return .rawEnd(finish, usage.following(resumedFrom))
        case .waiting, .comment, .delta, .raw: return event
        }
    }

    private mutating func note(_ delta: ChatDelta) {
        if delta.extra["function_call"] != nil { obstacle = obstacle ?? "a tool call had begun" }
        if delta.refusal != nil { obstacle = obstacle ?? "the model was refusing" }
        append(delta.text.utf8)
        guard delta.reasoning != nil || delta.toolCalls != nil, keep(delta.weight) else { return }
        reasoning += delta.reasoning ?? ""
        for piece in delta.toolCalls?.arrayValue ?? [] { calls.add(piece) }
    }

    private mutating func note(_ raw: RawEvents) {
        tokens += raw.tokens
        if raw.contents.contains(.otherChoice) { obstacle = obstacle ?? "several answers were asked for" }
        guard obstacle == nil else { return }
        if !raw.contents.isDisjoint(with: [.toolCall, .reasoning, .refusal]) {
            for delta in OpenAIEventReader.deltas(in: raw.bytes, kind: request.kind) { note(delta) }
        } else if !raw.escapedText.isEmpty {
            if raw.escapedText.contains(UInt8(ascii: "\\")) { append(raw.text.utf8) } else { append(raw.escapedText) }
        }
    }

    private mutating func append(_ piece: some Collection<UInt8>) {
        if keep(piece.count) { text.append(contentsOf: piece) }
    }

    /// - Returns: Whether there is room for so many bytes more.
    private mutating func keep(_ bytes: Int) -> Bool {
        guard obstacle == nil else { return false }
        if weight + bytes > Self.limit {
            obstacle = "the answer is too long to be gone on with elsewhere"
            (text, reasoning, calls) = ([], "", ToolCallJoiner())
            return false
        }
        weight += bytes
        return true
    }

    // MARK: Continuing

    /// The engine that answered broke off.
    package mutating func broke(_ failure: ChatError, at candidate: Candidate) -> Next {
        _ = release()  // whoever continues makes its own calls
        failed.append(.init(candidate, .failed(failure.code)))
        var failure = failure
        guard continuations < Self.continuationLimit, Blame(failure).triesAnother else { return .fail(failure) }
        if let obstacle {
            failure.message += "; \(obstacle)"
            return .fail(failure)
        }
        switch rest {
        case .ask(let rest):
            continuations += 1
            resumedFrom = begun
            handover = handover ?? Handover(failure: failure.code, since: lastToken)
            return .ask(rest)
        case let other: return other
        }
    }

    /// What is left to ask for.
    package var rest: Next {
        if let obstacle { return .fail(ChatError(.cannotContinue, obstacle)) }
        var rest = request
        if tokens > 0 { rest.begun = begun }
        if hasBegun { rest.isAsWritten = false }
        if let limit = request.sampling.maxTokens {
            guard limit > tokens else {
                return .finish(
                    .length, TokenUsage(promptTokens: request.estimatedPromptTokens, completionTokens: tokens))
            }
            rest.sampling.maxTokens = limit - tokens
        }
        return .ask(rest)
    }

    private var begun: PartialAnswer {
        let begun = zip(calls.indexes, calls.calls).map { index, call in
            PartialCall(
                index: index, name: call["function"]?["name"]?.stringValue ?? "",
                arguments: call["function"]?["arguments"]?.stringValue ?? "")
        }
        return PartialAnswer(
            text: String(decoding: text, as: UTF8.self), tokens: tokens, reasoning: reasoning.isEmpty ? nil : reasoning,
            calls: begun.isEmpty ? nil : begun)
    }
}

extension ChatEvent {
    /// Whether it holds a piece of a tool call.
    fileprivate var isCall: Bool {
        switch self {
        case .delta(let delta): delta.toolCalls != nil || delta.extra["function_call"] != nil
        case .raw(let raw): raw.contents.contains(.toolCall)
        case .waiting, .comment, .finished, .rawEnd: false
        }
    }
}
