// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How much each peer may ask of this node: so many questions an hour, and so many tokens a day for all of them together.
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

    /// Peers that are remembered.
    package static let capacity = 1_024
    private static let hour = Duration.seconds(3_600)
    private static let day = Duration.seconds(86_400)

    private struct Account: Sendable {
        /// Questions that may be asked at once.
        var left: Double
        var at: Moment
    }

    package let limits: Limits
    private var accounts: [String: Account] = [:]
    private var tokensLeft: Double
    private var tokensAt: Moment

    package init(limits: Limits, now: Moment) {
        self.limits = limits
        tokensLeft = Double(limits.tokens)
        tokensAt = now
    }

    /// Takes one question from a peer's allowance.
    ///
    /// - Returns: When it may ask again; `nil` when it may now.
    package mutating func ask(_ peer: String, now: Moment) -> Duration? {
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

    package mutating func spent(_ tokens: Int, now: Moment) {
        fill(to: now)
        tokensLeft -= Double(min(max(0, tokens), 10_000_000))
    }

    private mutating func fill(to now: Moment) {
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
