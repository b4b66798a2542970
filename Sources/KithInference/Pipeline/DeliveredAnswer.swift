// SPDX-License-Identifier: Apache-2.0

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

    /// Most bytes of text that are kept; a longer answer cannot be continued elsewhere.
    package static let limit = AnswerCollector.limit
    /// How often another engine may continue, so that every answer ends.
    package static let continuationLimit = 8

    private let request: ChatRequest
    private var text: [UInt8] = []
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

    // MARK: Delivering

    /// Notes `event`, the next one of the engine that answers now, and changes it to what the client is told.
    ///
    /// - Returns: That another engine continues from here, which the client is told first.
    package mutating func take(
        _ event: inout ChatEvent, from candidate: Candidate, now: MonotonicInstant
    ) -> RouteRecord.Continuation? {
        switch event {
        case .waiting, .comment: return nil
        case .delta(let delta): note(delta)
        case .raw(let raw): note(raw)
        case .finished, .rawEnd: break
        }
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
        if delta.toolCalls != nil { obstacle = obstacle ?? "a tool call had begun" }
        tokens += 1
        append(delta.text.utf8)
    }

    private mutating func note(_ raw: RawEvents) {
        if raw.contents.contains(.toolCall) { obstacle = obstacle ?? "a tool call had begun" }
        if raw.contents.contains(.otherChoice) { obstacle = obstacle ?? "several answers were asked for" }
        tokens += raw.tokens
        guard obstacle == nil, !raw.escapedText.isEmpty else { return }
        if raw.escapedText.contains(UInt8(ascii: "\\")) { append(raw.text.utf8) } else { append(raw.escapedText) }
    }

    private mutating func append(_ piece: some Collection<UInt8>) {
        guard obstacle == nil else { return }
        if text.count + piece.count > Self.limit {
            obstacle = "the answer is too long to be gone on with elsewhere"
            text = []
        } else {
            text.append(contentsOf: piece)
        }
    }

    // MARK: Continuing

    /// The engine that answered broke off.
    package mutating func broke(_ failure: ChatError, at candidate: Candidate) -> Next {
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
        if tokens > 0 {
            rest.begun = begun
            rest.isAsWritten = false
        }
        if let limit = request.sampling.maxTokens {
            guard limit > tokens else {
                return .finish(
                    .length, TokenUsage(promptTokens: request.estimatedPromptTokens, completionTokens: tokens))
            }
            rest.sampling.maxTokens = limit - tokens
        }
        return .ask(rest)
    }

    private var begun: PartialAnswer { PartialAnswer(text: String(decoding: text, as: UTF8.self), tokens: tokens) }
}
