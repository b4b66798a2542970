// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// What a client is told while it is answered.
///
/// Indirect, because every function that waits for one reserves room for it in memory that a stream keeps.
package indirect enum RoutedEvent: Sendable {
    case event(ChatEvent)
    /// From here on another engine answers.
    case continued(RouteRecord.Continuation)
}

/// Receives a routed answer by calls on an event loop; ``ended(_:)`` comes last and once.
package protocol RoutedEventReceiver: AnyObject {
    func received(_ event: ChatEvent)
    /// From here on another engine answers.
    func continued(_ continuation: RouteRecord.Continuation)
    /// All that arrived in one read has been passed on: the moment to send what was made of it.
    func readEnded()
    /// - Parameter failure: `nil` after an event that ends a whole answer.
    func ended(_ failure: (any Error)?)
}

/// The rest of an answer whose first token has come.
///
/// When the engine breaks off, another continues from there; the stream breaks off only when none can. Tells the router
/// how each engine did. Read by one reader, which waits for each event (`next()`) or is called (``flow(on:to:)``).
package final class TokenStream: Sendable {
    /// Who answers now.
    struct Source {
        var reader: EngineStream.Reader
        /// What was read while waiting for the first token.
        var first: [ChatEvent]
        var attempt: Attempt
    }

    /// An object, so that a function that waits for an event holds a reference and no copy.
    ///
    /// Proof of `Sendable`: it is used only by the code that has taken it out of ``state``.
    final class State: @unchecked Sendable {
        var source: Source?
        var told: DeliveredAnswer
        var standby: Standby?
        /// What is passed on before anything else is read.
        var ready: ArraySlice<RoutedEvent> = []
        /// Whether an engine was asked once more after it failed, because there was no other.
        var askedAgain = false
        /// How often a node had begun to drain when this was last looked at.
        var drains: Int

        init(source: Source, told: DeliveredAnswer, standby: Standby?, drains: Int) {
            self.drains = drains
            self.source = source
            self.told = told
            self.standby = standby
        }

        func takeFirst() -> [ChatEvent] {
            let first = source?.first ?? []
            source?.first = []
            return first
        }

        func tellNext(_ event: RoutedEvent) {
            if ready.isEmpty { ready = [event] } else { ready.append(event) }
        }
    }

    private let dispatcher: Dispatcher
    private let wanted: RouteRequest
    private let account: RequestAccount
    /// Whether the client sees the answer as it comes; otherwise the code that collects it may try once more.
    private let isShown: Bool
    let state: Mutex<State?>

    init(
        _ source: Source, of request: ChatRequest, wanted: RouteRequest, account: RequestAccount, dispatcher: Dispatcher
    ) {
        self.dispatcher = dispatcher
        self.wanted = wanted
        self.account = account
        isShown = request.streams
        state = Mutex(
            State(
                source: source, told: DeliveredAnswer(of: request, now: dispatcher.clock.now),
                standby: dispatcher.standby(for: wanted), drains: dispatcher.drainCount))
    }

    // MARK: Waiting

    /// - Returns: What comes next; `nil` after the end.
    /// - Throws: `ChatError` when the answer breaks off and no engine can continue; `CancellationError`.
    package func next() async throws -> RoutedEvent? {
        guard let state = state.withLock({ $0.take() }) else { return nil }
        do {
            guard let event = try await advance(state) else { throw EngineStream.cutOff }
            if !event.isEnd || !state.ready.isEmpty { self.state.withLock { $0 = state } }
            return event
        } catch {
            throw ended(with: error)
        }
    }

    private func advance(_ state: State) async throws -> RoutedEvent? {
        while true {
            if let event = state.ready.popFirst() { return event }
            guard let source = state.source else { return nil }
            do {
                if !takeFirst(state) {
                    guard let event = try await source.reader.next() else { throw EngineStream.cutOff }
                    tellNext(event, state)
                    if let departure = departure(state) {
                        arrive(try? await resume(departure.rest, state), departure, state)
                        try Task.checkCancellation()
                    }
                }
            } catch {
                try await goOn(after: error, state)
            }
        }
    }

    // What follows is kept out of the functions that wait for events: a function keeps, while it waits, all the memory
    // that it ever needs.

    @inline(never)
    func ended(with error: any Error) -> any Error {
        if isShown { account.ended(with: error) }
        return error
    }

    /// - Returns: Whether there was something that had been read already.
    @inline(never)
    private func takeFirst(_ state: State) -> Bool {
        let first = state.takeFirst()
        for event in first { tellNext(event, state) }
        return !first.isEmpty
    }

    @inline(never)
    private func tellNext(_ event: ChatEvent, _ state: State) {
        admit(event, state) { event in
            var event = event
            if let continuation = take(&event, state) { state.tellNext(.continued(continuation)) }
            state.tellNext(.event(event))
        }
    }

    /// - Parameter tell: Called with what the client is told now, in order.
    func admit(_ event: ChatEvent, _ state: State, _ tell: (ChatEvent) -> Void) {
        guard let candidate = state.source?.attempt.candidate else { return }
        switch state.told.admit(
            event, now: dispatcher.clock.now, mayHold: !isShown || dispatcher.isReplaceable(candidate, for: wanted))
        {
        case .told: tell(event)
        case .held: break
        case .released(let events): for event in events { tell(event) }
        }
    }

    /// - Parameter event: The next event of the engine that answers now; changed to what the client is told.
    /// - Returns: That another engine continues from here, which the client is told first.
    func take(_ event: inout ChatEvent, _ state: State) -> RouteRecord.Continuation? {
        guard let attempt = state.source?.attempt else { return nil }
        let ownUsage = event.usage
        account.told(event.tokens)
        let continuation = state.told.take(&event, from: attempt.candidate, now: dispatcher.clock.now)
        if let continuation { account.resumed(continuation) }
        if let standby = state.standby, event.hasContent { standby.advance(state.told, givenBy: attempt.candidate) }
        if let ownUsage {
            if isShown { account.completed(event.usage) }
            attempt.succeeded(EngineCost(ownUsage))
            state.source = nil
        }
        return continuation
    }

    /// What to ask another engine for, while the one that answers now still could.
    struct Departure: Sendable {
        var rest: Rest
        /// What the client has been told, once another engine goes on.
        var told: DeliveredAnswer
    }

    /// - Returns: `nil` unless the node of the engine that answers now has begun to drain, and another may be able to go on.
    func departure(_ state: State) -> Departure? {
        let drains = dispatcher.drainCount
        guard drains != state.drains else { return nil }
        state.drains = drains
        guard let candidate = state.source?.attempt.candidate, dispatcher.leaves(candidate, for: wanted) else {
            return nil
        }
        var told = state.told
        let failure = ChatError(.interrupted, "the node drains")
        guard case .ask(let request) = told.broke(failure, at: candidate) else { return nil }
        return Departure(
            rest: Rest(
                request: request, begunBy: candidate, failure: failure, without: told.failed, mayAskAgain: false),
            told: told)
    }

    /// - Parameter source: Who goes on; `nil` leaves the answer where it is, since nobody else could.
    func arrive(_ source: Source?, _ departure: Departure, _ state: State) {
        guard let source else { return }
        state.told = departure.told
        state.source = source  // and the attempt before is dropped, for which nobody is blamed
    }

    /// Lets another engine continue.
    ///
    /// - Throws: `error` when none can, or it is no failure of an engine.
    @inline(never)
    private func goOn(after error: any Error, _ state: State) async throws {
        guard let rest = try interrupted(by: error, state) else { return }
        try await state.source = resume(rest, state)
    }

    /// - Returns: What to ask another engine for; `nil` when the end could be told without one.
    func interrupted(by error: any Error, _ state: State) throws -> Rest? {
        guard let attempt = state.source?.attempt else { throw error }
        state.source = nil
        attempt.ended(with: error)
        guard let failure = error as? ChatError else { throw error }
        state.standby?.stop()
        switch state.told.broke(failure, at: attempt.candidate) {
        case .fail(let failure): throw failure
        case .finish(let finish, let usage):
            if isShown { account.completed(usage) }
            state.tellNext(.event(.finished(finish, usage)))
            return nil
        case .ask(let request):
            return Rest(
                request: request, begunBy: attempt.candidate, failure: failure, without: state.told.failed)
        }
    }

    struct Rest: Sendable {
        var request: ChatRequest
        var begunBy: Candidate
        var failure: ChatError
        /// The engines that are not to be asked.
        var without: [RouteDecision.Skip]
        /// Whether the engine before may be asked once more, where there is no other.
        var mayAskAgain = true
    }

    func resume(_ rest: Rest, _ state: State) async throws -> Source {
        let source = try await dispatcher.resume(
            rest.request, as: wanted, begunBy: rest.begunBy, without: rest.without, after: rest.failure,
            mayAskAgain: rest.mayAskAgain && !state.askedAgain, preferring: state.standby?.node)
        state.askedAgain = state.askedAgain || source.attempt.candidate.node == rest.begunBy.node
        state.standby = dispatcher.standby(for: wanted)
        return source
    }
}

extension RoutedEvent {
    /// Whether nothing follows.
    package var isEnd: Bool { if case .event(let event) = self { event.isEnd } else { false } }
}

extension ChatEvent {
    /// Whether it is the end of a whole answer.
    package var isEnd: Bool { usage != nil }

    /// What a whole answer used.
    var usage: TokenUsage? {
        switch self {
        case .finished(_, let usage), .rawEnd(_, let usage): usage
        case .waiting, .comment, .delta, .raw: nil
        }
    }

    /// Tokens that it holds, as far as that is known: an engine gives a piece for each.
    var tokens: Int {
        switch self {
        case .delta: 1
        case .raw(let raw): raw.tokens
        case .waiting, .comment, .finished, .rawEnd: 0
        }
    }

    /// Whether it holds some of the answer: a token, a thought, a call.
    package var hasContent: Bool {
        switch self {
        case .delta: true
        case .raw(let raw): raw.tokens > 0
        case .waiting, .comment, .finished, .rawEnd: false
        }
    }

    /// Adds to the end how long the engine took.
    mutating func note(_ occupancy: EngineStream.Occupancy) {
        switch self {
        case .finished(let finish, var usage):
            occupancy.note(in: &usage)
            self = .finished(finish, usage)
        case .rawEnd(let finish, var usage):
            occupancy.note(in: &usage)
            self = .rawEnd(finish, usage)
        case .waiting, .comment, .delta, .raw: return
        }
    }
}
