// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// This node's engine behind its slots and queue, with what has been learned of its pace.
package final class LocalEngine: Answering {
    /// What an attempt showed of the engine, no matter whose request it was.
    package enum Sign: Sendable {
        case answered
        case failed(ChatError)
    }

    package let engine: any ChatEngine
    private let gate: AdmissionGate
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
        gate = AdmissionGate(capacity: engine.capacity, clock: clock)
    }

    /// Requests that run and that wait.
    package var load: (running: Int, waiting: Int) { gate.load }

    /// - Parameter onSign: Called for each answer that begins and each that fails, by the task of the request; must not
    ///   wait.
    package func whenHeard(_ onSign: @escaping @Sendable (Sign) -> Void) { self.onSign.set(onSign) }

    package func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        request.notice?.note(.queued, ahead: gate.load.waiting)
        let lease = try await gate.enter()
        request.notice?.note(.reading)
        var request = request
        let started = clock.now
        let wait = firstTokens.withLock { $0.began(.init(request), now: started) }
        request.firstTokenLimit = wait.limit
        request.stallLimit = stallLimit.limit(for: request, kind: engine.kind)
        do {
            switch try await engine.answerFromWhereItIs(request) {
            case .verbatim(var answer):
                answer.engineTime = clock.now - started
                wholeAnswer(of: wait)
                return .verbatim(answer)
            case .events(let stream):
                return .events(
                    EngineStream(stream).holding(lease, since: started, clock: clock) { [weak self] news in
                        self?.heard(news, of: wait)
                    })
            }
        } catch {
            heard(.ended(error), of: wait)
            throw error
        }
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        let lease = try await gate.enter()
        defer { withExtendedLifetime(lease) {} }
        do {
            let answer = try await engine.embed(request)
            onSign(.answered)
            return answer
        } catch {
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
        let lease = try await gate.enter()
        do {
            var answer = try await engine.passThrough(request)
            answer.body = GuardedBody(answer.body, holding: lease)
            onSign(.answered)
            return answer
        } catch {
            if let failure = error as? ChatError { onSign(.failed(failure)) }
            throw error
        }
    }

    private func wholeAnswer(of wait: FirstTokenWait) {
        let now = clock.now
        firstTokens.withLock { $0.sawToken(of: wait.demand.model, now: now) }
        onSign(.answered)
    }

    private func heard(_ news: EngineStream.News, of wait: FirstTokenWait) {
        let now = clock.now
        switch news {
        case .firstToken:
            firstTokens.withLock { $0.sawFirstToken(of: wait, now: now) }
            onSign(.answered)
        case .finished: firstTokens.withLock { $0.sawToken(of: wait.demand.model, now: now) }
        case .ended(let error):
            guard let failure = error as? ChatError else { return }
            if failure.code == .timeout { firstTokens.withLock { $0.timedOut(wait, now: now) } }
            onSign(.failed(failure))
        }
    }
}

extension LocalEngine {
    /// - Parameter action: Called each time a request takes a slot, waits for one or goes; must not wait.
    package func whenLoadChanged(_ action: @escaping @Sendable () -> Void) { gate.whenChanged(action) }
}
