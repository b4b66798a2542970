// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The rest of an answer that another engine has begun.
struct ResumedStream: AsyncSequence, Sendable {
    typealias Element = ChatEvent
    typealias Failure = any Error

    enum Check: Sendable {
        /// The engine was told all that is there.
        case none
        case space(SpaceCheck)
        /// The engine was asked anew.
        case prefix(PrefixCheck, of: BegunAnswer)
    }

    let base: ChatStream
    let check: Check

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: any AsyncIteratorProtocol<ChatEvent, any Error>
        var check: Check

        mutating func next() async throws -> ChatEvent? { try await next(isolation: #isolation) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> ChatEvent? {
            guard let event = try await base.next(isolation: actor) else { return nil }
            switch check {
            case .none: return event
            case .space(var space):
                guard case .delta(var delta) = event else { return event }
                delta.text = space.take(delta.text)
                check = .space(space)
                return .delta(delta)
            case .prefix(var prefix, let begun):
                defer { check = .prefix(prefix, of: begun) }
                return try prefix.take(event, begun)
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator(), check: check) }
}

extension PrefixCheck {
    /// What an event of an answer given anew is to the client.
    ///
    /// - Throws: ``ChatFailure`` with `cannotContinue` when the answer is another, or over before it was where the first was.
    fileprivate mutating func take(_ event: ChatEvent, _ begun: BegunAnswer) throws(ChatFailure) -> ChatEvent {
        switch event {
        case .waiting: return event
        case .delta(var delta):
            delta.text = try take(delta.text)
            delta.reasoning = nil  // the client has had the first engine's thoughts
            return delta.text.isEmpty && delta.toolCalls == nil ? .waiting(.loading) : .delta(delta)
        case .finished(let finish, let usage):
            guard isPassed else {
                throw ChatFailure(.cannotContinue, "the engine that was asked instead has less to say")
            }
            return .finished(finish, usage.remaining(after: begun))
        }
    }
}

extension ChatEngine {
    /// Answers; where another engine has begun to, goes on in the way that this one can.
    ///
    /// - Throws: As ``Answering/answer(_:)``.
    func answerFromWhereItIs(_ request: ChatRequest) async throws -> ChatAnswer {
        guard let begun = request.begun else { return try await answer(request) }
        if case .prefill(let way) = try await way(for: request), let (told, untold) = request.prefilled(begun, in: way)
        {
            do {
                return try await Self.resumed(
                    answer(told), untold.isEmpty ? .none : .space(SpaceCheck(untold)))
            } catch let failure as ChatFailure where failure.code == .invalidRequest || failure.code == .unsupported {
                // Some models do not let their answers be begun for them.
            }
        }
        if begun.isOnlyRead == true { throw ChatFailure(.cannotContinue, "this engine would have to begin anew") }
        return try await Self.resumed(answer(request.anew(after: begun)), .prefix(PrefixCheck(begun.text), of: begun))
    }

    private func way(for request: ChatRequest) async throws -> ContinuationWay {
        if request.kind == .completion { return .prefill(.init()) }
        return request.isConstrained ? .anew : try await continuationWay(for: request)
    }

    private static func resumed(_ answer: ChatAnswer, _ check: ResumedStream.Check) throws -> ChatAnswer {
        guard case .events(let stream) = answer else {
            throw ChatFailure(.invalidAnswer, "a whole answer came where the rest of one was asked for")
        }
        if case .none = check { return answer }
        return .events(ResumedStream(base: stream, check: check))
    }
}
