// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// Answers what peers ask, with nothing private in scope.
package final class CompanionHost: Sendable {
    package enum Refusal: Error, Hashable, Sendable {
        /// This node's own user needs its engine.
        case busy
        /// Who asks has asked enough for now.
        case tooOften(retryAfter: Duration)
        /// What was asked is none, and why.
        case unclear(String)
        /// What this node would have said was held back.
        case heldBack
    }

    /// Tokens of an answer; who asks for more gets this many.
    package static let tokenLimit = 300
    /// An engine is asked once more when its first answer was held back.
    private static let attempts = 2

    private let mind: any CompanionMind
    private let keeper: any CultureKeeping
    private let wall: PrivacyGuard
    private let activity: UserActivity
    private let clock: any TimeSource
    private let allowance: Mutex<PeerAllowance>
    package let limits: PeerAllowance.Limits

    package init(
        mind: any CompanionMind, keeper: any CultureKeeping, wall: PrivacyGuard, activity: UserActivity,
        clock: any TimeSource, limits: PeerAllowance.Limits = .init()
    ) {
        self.mind = mind
        self.keeper = keeper
        self.wall = wall
        self.activity = activity
        self.clock = clock
        self.limits = limits
        allowance = Mutex(PeerAllowance(limits: limits, now: clock.now))
    }

    /// Gives way to this node's own user.
    ///
    /// - Parameters:
    ///   - key: Who asks, for its allowance.
    ///   - name: For the owner.
    /// - Throws: ``Refusal``; what the engine's failure was; `CancellationError`.
    package func answer(
        _ question: PeerQuestion, from key: String, named name: String
    ) async throws -> (answer: Shareable<PeerAnswer>, worded: Worded) {
        if let wait = allowance.withLock({ $0.ask(key, now: clock.now) }) { throw Refusal.tooOften(retryAfter: wait) }
        let words: ReceivedWords
        do { words = try ReceivedWords(question.prompt) } catch { throw Refusal.unclear(error.rawValue) }
        let insights = (try? await keeper.relevant(to: words.text, limit: CompanionPrompts.insightLimit)) ?? []
        let request = CompanionPrompts.answer(
            to: words, temperature: min(max(question.temperature.isFinite ? question.temperature : 0.85, 0), 2),
            tokens: min(max(1, question.maxTokens), Self.tokenLimit), insights: insights.map(\.text))
        do {
            return try await activity.givingWay { try await self.worded(request, inAnswerTo: words, for: name) }
        } catch is CancellationError where !Task.isCancelled {
            throw Refusal.busy
        }
    }

    private func worded(
        _ request: ChatRequest, inAnswerTo words: ReceivedWords, for name: String
    ) async throws -> (answer: Shareable<PeerAnswer>, worded: Worded) {
        for _ in 1...Self.attempts {
            let worded = try await mind.word(request)
            let (sum, overflow) = worded.usage.promptTokens.addingReportingOverflow(worded.usage.completionTokens)
            allowance.withLock { $0.spent(overflow ? .max : sum, now: clock.now) }
            // An engine may say nothing, or a page: it is asked once more then, too.
            guard let said = try? ReceivedWords(worded.text) else { continue }
            do {
                let answer = PeerAnswer(response: said.text)
                return (try await wall.admit(answer, inAnswerTo: words.text), worded)
            } catch {
                try Task.checkCancellation()
                try? await keeper.record(
                    RefusalRecord(at: .now(), peer: name, reason: error.reason, text: worded.text))
            }
        }
        throw Refusal.heldBack
    }
}
