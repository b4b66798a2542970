// SPDX-License-Identifier: Apache-2.0

package import KithCulture
package import KithInference
package import KithModel
package import Logging
import Synchronization

/// A node's company: what is talked about with whom, and what is kept of it.
package struct CompanionFeature: Sendable {
    package let culture: StoredCulture
    package let service: CompanionService
    package let host: CompanionHost
    package let activity: UserActivity
    package let memory: StoredPrivateMemory
    /// Whether the culture is offered to engines that answer the user.
    package let offersCulture: Bool

    package init(
        culture: StoredCulture, service: CompanionService, host: CompanionHost, activity: UserActivity,
        memory: StoredPrivateMemory, offersCulture: Bool
    ) {
        self.culture = culture
        self.service = service
        self.host = host
        self.activity = activity
        self.memory = memory
        self.offersCulture = offersCulture
    }

    /// The few insights that have to do with what a user asks; none when they cannot be read.
    func offer(for prompt: String) async -> [Insight] {
        guard offersCulture else { return [] }
        return (try? await culture.relevant(to: prompt, limit: CompanionPrompts.insightLimit)) ?? []
    }

    /// Runs until cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await culture.run() }
            group.addTask { await service.run() }
        }
    }
}

/// Lets the best engine of the mesh put into words what a node says for company.
package struct DispatcherCompanionEngine: CompanionMind {
    /// For the few words that one question asks for, on a slow engine.
    private static let limit = Duration.seconds(120)

    private let dispatcher: Dispatcher
    private let avoidsCost: Bool
    private let clock: any TimeSource

    /// - Parameter avoidsCost: Whether no engine is asked that costs money.
    package init(dispatcher: Dispatcher, avoidsCost: Bool = false, clock: any TimeSource) {
        self.dispatcher = dispatcher
        self.avoidsCost = avoidsCost
        self.clock = clock
    }

    package func word(_ request: ChatRequest) async throws -> Worded {
        var request = request
        request.deadline = clock.now + Self.limit
        request.avoidsCost = avoidsCost
        let routed: RoutedAnswer
        do {
            routed = try await dispatcher.dispatch(request)
        } catch let failure as DispatchError {
            throw failure.failure.code == .cancelled ? CancellationError() : failure.failure
        }
        guard case .whole(let answer) = routed.body else {
            throw ChatError(.invalidAnswer, "the engine answered in another dialect than it was asked in")
        }
        return Worded(text: answer.message.text, model: routed.model, usage: answer.usage)
    }
}

extension DispatcherCompanionEngine {
    /// Why no engine would word anything now; `nil` when one would.
    package func hindrance() -> CompanionSchedule.Hindrance? {
        var request = ChatRequest(messages: [])
        request.occasion = .company
        request.avoidsCost = avoidsCost
        let decision = dispatcher.explain(request).decision
        guard decision.choices.isEmpty else { return nil }
        return decision.skipped.contains { $0.reason == .runsElsewhere } ? .onlyPaidEngines : .noEngine
    }
}

/// Lines as the seed's guide looks for them in `state/synth.log`: `grep social_companionship` finds what company came to.
package final class SynthLog: CompanionJournal {
    private let append: @Sendable (String) -> Void
    private let logger: Logger

    /// - Parameter append: Writes a line, without its end, to the file.
    package init(logger: Logger, append: @escaping @Sendable (String) -> Void) {
        self.logger = logger
        self.append = append
    }

    package func note(_ line: CompanionLine) {
        let level = line.isWarning ? "WARNING" : "INFO"
        append("\(WallTime.now().rfc3339) [\(level)] social_companionship: \(line)")
        logger.debug("company", metadata: ["line": "\(line)"])
    }
}
