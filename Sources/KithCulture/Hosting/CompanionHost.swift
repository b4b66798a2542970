// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// Answers what peers ask, with nothing private in scope.
package final class CompanionHost: Sendable {
    package enum Refusal: Error, Hashable, Sendable {
        /// This node's own user needs its engine.
        case busy
        /// Its owner wants no conversations for now.
        case paused
        /// The peer has used up its allowance for now.
        case tooOften(retryAfter: Duration)
        /// The question cannot be used, and why.
        case unclear(String)
        /// What this node would have said was held back.
        case heldBack
    }

    /// Most tokens of an answer; a request for more is held to this.
    package static let tokenLimit = 300
    /// An engine is asked once more when its first answer was held back.
    private static let attempts = 2

    private let mind: any CompanionMind
    private let keeper: any CultureKeeping
    private let wall: PrivacyGuard
    private let activity: UserActivity
    private let clock: any TimeSource
    private let allowance: Mutex<PeerAllowance>
    private let paused = Atomic(false)
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

    /// Whether its owner wants no conversations for now.
    package var isPaused: Bool { paused.load(ordering: .relaxed) }

    package func setPaused(_ isPaused: Bool) { paused.store(isPaused, ordering: .relaxed) }

    /// Gives way to this node's own user.
    ///
    /// - Parameters:
    ///   - key: Identifies the peer, for its allowance.
    ///   - name: The peer's name, for the owner.
    /// - Throws: ``Refusal``; the engine's error; `CancellationError`.
    package func answer(
        _ question: PeerQuestion, from key: String, named name: String
    ) async throws -> (answer: Shareable<PeerAnswer>, worded: Worded) {
        guard !isPaused else { throw Refusal.paused }
        if let wait = allowance.withLock({ $0.ask(key, now: clock.now) }) { throw Refusal.tooOften(retryAfter: wait) }
        let words: SanitizedText
        do { words = try SanitizedText(question.prompt) } catch { throw Refusal.unclear(error.rawValue) }
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
        _ request: ChatRequest, inAnswerTo words: SanitizedText, for name: String
    ) async throws -> (answer: Shareable<PeerAnswer>, worded: Worded) {
        for _ in 1...Self.attempts {
            let worded = try await mind.word(request)
            let (sum, overflow) = worded.usage.promptTokens.addingReportingOverflow(worded.usage.completionTokens)
            allowance.withLock { $0.spent(overflow ? .max : sum, now: clock.now) }
            // An engine may answer nothing, or with a page of markup: then it is asked once more, too.
            guard let said = try? SanitizedText(worded.text) else { continue }
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

/// How much peers may ask of this node: questions an hour for each of them, and tokens a day for all of them together.
package struct PeerAllowance: Sendable {
    package struct Limits: Hashable, Sendable {
        /// Questions of one peer in an hour.
        package var questions: Int
        /// Tokens in a day, for all peers.
        package var tokens: Int

        package init(questions: Int = 30, tokens: Int = 50_000) {
            self.questions = questions
            self.tokens = tokens
        }
    }

    /// Most peers that are remembered.
    package static let capacity = 1_024
    private static let hour = Duration.seconds(3_600)
    private static let day = Duration.seconds(86_400)

    private struct Account: Sendable {
        /// Questions that may be asked at once.
        var left: Double
        var at: MonotonicInstant
    }

    package let limits: Limits
    private var accounts: [String: Account] = [:]
    private var tokensLeft: Double
    private var tokensAt: MonotonicInstant

    package init(limits: Limits, now: MonotonicInstant) {
        self.limits = limits
        tokensLeft = Double(limits.tokens)
        tokensAt = now
    }

    /// Takes one question from a peer's allowance.
    ///
    /// - Returns: When it may ask again; `nil` when it may now.
    package mutating func ask(_ peer: String, now: MonotonicInstant) -> Duration? {
        fill(to: now)
        guard tokensLeft >= 1 else {
            return Self.day * ((1 - tokensLeft) / Double(max(1, limits.tokens)))
        }
        var account = accounts[peer] ?? Account(left: Double(limits.questions), at: now)
        let rate = Double(limits.questions) / Self.hour.seconds
        account.left = min(Double(limits.questions), account.left + max(0, (now - account.at).seconds) * rate)
        account.at = max(account.at, now)
        defer { keep(account, of: peer) }
        guard account.left >= 1 else { return .seconds((1 - account.left) / max(rate, 1e-6)) }
        account.left -= 1
        return nil
    }

    package mutating func spent(_ tokens: Int, now: MonotonicInstant) {
        fill(to: now)
        tokensLeft -= Double(min(max(0, tokens), 10_000_000))
    }

    private mutating func fill(to now: MonotonicInstant) {
        let rate = Double(limits.tokens) / Self.day.seconds
        tokensLeft = min(Double(limits.tokens), tokensLeft + max(0, (now - tokensAt).seconds) * rate)
        tokensAt = max(tokensAt, now)
    }

    private mutating func keep(_ account: Account, of peer: String) {
        if accounts.count >= Self.capacity, accounts[peer] == nil,
            let oldest = accounts.min(by: { $0.value.at < $1.value.at })
        {
            accounts[oldest.key] = nil
        }
        accounts[peer] = account
    }
}
