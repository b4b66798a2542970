// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// This node's engine behind its slots and queue, with what has been learned of its pace.
package final class LocalEngine: Answering {
    /// What an attempt showed of the engine, no matter whose request it was.
    package enum Sign: Sendable {
        case answered(ModelID?)
        case failed(ChatError)
    }

    package let engine: any ChatEngine
    /// One for each part of the engine; at least one.
    private let gates: [AdmissionGate]
    private let clock: any TimeSource
    private let firstTokens: Mutex<FirstTokenLimit>
    private let stallLimit: StallLimit
    /// Prompts whose tokens are being counted.
    private let counting = Atomic(0)
    private let onSign = Callback<Sign>()

    /// - Parameters:
    ///   - stallLimit: How long the engine may take between two tokens.
    ///   - loadLimit: How long it may take to load a model.
    package init(
        engine: any ChatEngine, clock: any TimeSource, stallLimit: StallLimit = StallLimit(),
        loadLimit: Duration = ChatRequest.ordinaryLoadLimit
    ) {
        self.engine = engine
        self.clock = clock
        self.stallLimit = stallLimit
        firstTokens = Mutex(FirstTokenLimit(loadLimit: loadLimit))
        gates = engine.parts.map { AdmissionGate(capacity: $0, clock: clock) }
    }

    /// Requests that run and that wait.
    package var load: (running: Int, waiting: Int) {
        gates.reduce(into: (running: 0, waiting: 0)) { sum, gate in
            let load = gate.load
            sum = (sum.running + load.running, sum.waiting + load.waiting)
        }
    }

    /// Requests that run at the part of the engine that a model is of.
    package func running(for model: ModelID) -> Int { gate(for: model).load.running }

    /// - Parameter onSign: Called for each answer that begins and each that fails, by the task of the request; must not
    ///   wait.
    package func whenHeard(_ onSign: @escaping @Sendable (Sign) -> Void) { self.onSign.set(onSign) }

    package func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        let lease = try await admitted(request.model, request.trace, request.priority, request.notice)
        request.notice?.note(.reading)
        var request = request
        let started = clock.now
        let trace = request.trace.begin(
            .engine, .client, SpanDetail(model: request.model, engine: engine.kind(for: request.model)), at: started)
        request.trace = trace
        let demand = FirstTokenLimit.Demand(request)
        let wait = firstTokens.withLock { $0.began(demand, now: started) }
        request.firstTokenLimit = wait.limit
        request.stallLimit = stallLimit.limit(for: request, kind: engine.kind(for: request.model))
        do {
            switch try await engine.answerFromWhereItIs(request) {
            case .verbatim(var answer):
                let now = clock.now
                answer.engineTime = now - started
                trace.end(at: now)
                wholeAnswer(of: wait)
                return .verbatim(answer)
            case .events(let stream):
                let span = TraceGuard(trace, clock: clock)
                return .events(
                    EngineStream(stream).holding(lease, since: started, clock: clock) { [weak self] news in
                        self?.heard(news, of: wait, span.position)
                    })
            }
        } catch {
            heard(.ended(error), of: wait, trace)
            throw error
        }
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        let lease = try await admitted(request.model, request.trace, request.priority)
        defer { withExtendedLifetime(lease) {} }
        var request = request
        request.trace = begin(request.model, in: request.trace)
        do {
            let answer = try await engine.embed(request)
            request.trace.end(at: clock.now)
            onSign(.answered(request.model))
            return answer
        } catch {
            request.trace.end(with: error, at: clock.now)
            if let failure = error as? ChatError { onSign(.failed(failure)) }
            throw error
        }
    }

    /// Needs no slot: nothing is generated. Two at once; others are not counted.
    package func promptTokens(of request: ChatRequest) async throws -> Int? {
        let place = counting.add(1, ordering: .relaxed).newValue
        defer { counting.subtract(1, ordering: .relaxed) }
        return place <= Self.countLimit ? try await engine.promptTokens(of: request) : nil
    }

    private static let countLimit = 2

    package func passThrough(_ request: PassThroughRequest) async throws -> PassThroughAnswer {
        let lease = try await admitted(request.model, request.trace, request.priority)
        var request = request
        request.trace = begin(request.model, in: request.trace)
        do {
            var answer = try await engine.passThrough(request)
            request.trace.end(at: clock.now)
            answer.body = GuardedBody(answer.body, holding: lease)
            onSign(.answered(request.model))
            return answer
        } catch {
            request.trace.end(with: error, at: clock.now)
            if let failure = error as? ChatError { onSign(.failed(failure)) }
            throw error
        }
    }

    /// Waits for a slot.
    private func admitted(
        _ model: ModelID?, _ trace: TracePosition, _ priority: RequestPriority, _ notice: WaitNotice? = nil
    ) async throws -> SlotLease {
        let gate = gate(for: model)
        let waiting = gate.waiting(before: priority)
        notice?.note(.queued, ahead: waiting)
        let admission = trace.begin(.admission, .inside, SpanDetail(count: waiting), at: clock.now)
        do {
            let lease = try await gate.enter(priority)
            admission.end(at: clock.now)
            return lease
        } catch {
            admission.end(with: error, at: clock.now)
            throw error
        }
    }

    private func gate(for model: ModelID?) -> AdmissionGate {
        let place = engine.part(for: model)
        return gates.indices.contains(place) ? gates[place] : gates[0]
    }

    private func begin(_ model: ModelID?, in trace: TracePosition) -> TracePosition {
        trace.begin(.engine, .client, SpanDetail(model: model, engine: engine.kind(for: model)), at: clock.now)
    }

    private func wholeAnswer(of wait: FirstTokenWait) {
        let now = clock.now
        firstTokens.withLock { $0.sawToken(of: wait.demand.model, now: now) }
        onSign(.answered(wait.demand.model))
    }

    private func heard(_ news: EngineStream.News, of wait: FirstTokenWait, _ trace: TracePosition) {
        let now = clock.now
        switch news {
        case .firstToken:
            trace.sawFirstToken(at: now)
            firstTokens.withLock { $0.sawFirstToken(of: wait, now: now) }
            onSign(.answered(wait.demand.model))
        case .finished: firstTokens.withLock { $0.sawToken(of: wait.demand.model, now: now) }
        case .ended(let error):
            trace.end(with: error, at: now)
            guard let failure = error as? ChatError else { return }
            if failure.code == .timeout { firstTokens.withLock { $0.timedOut(wait, now: now) } }
            onSign(.failed(failure))
        case .over(let usage): trace.end(.completed, SpanDetail(usage: usage), at: now)
        case .broke(let error): trace.end(with: error, at: now)
        }
    }
}

extension LocalEngine {
    /// - Parameter action: Called each time a request takes a slot, waits for one or goes; must not wait.
    package func whenLoadChanged(_ action: @escaping @Sendable () -> Void) {
        for gate in gates { gate.whenChanged(action) }
    }
}
