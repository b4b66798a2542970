// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel

/// What the router's words mean, for people who have not read of them; programs are told the words themselves.
enum RouteWords {
    /// Why a machine is asked, to follow its name.
    static func reason(_ word: String) -> String {
        switch RouteReason.allCases.first(where: { "\($0)" == word }) {
        case .onlyCandidate: "the only one that can answer"
        case .shortestWait: "the shortest wait"
        case .pinned: "asked for by name"
        case .leastBad: "all that could answer have failed lately"
        case .alternate: "a better one failed"
        case .affinity: "it has the conversation in memory"
        case .lastResort: "it is paused, and nobody else can answer"
        case .probe: "tried again after it failed"
        case nil: word
        }
    }

    /// The same below a heading that says that it is why.
    static func shortReason(_ word: String) -> String {
        switch RouteReason.allCases.first(where: { "\($0)" == word }) {
        case .onlyCandidate: "the only one"
        case .shortestWait: "shortest wait"
        case .pinned: "by name"
        case .leastBad: "all failed lately"
        case .alternate: "another failed"
        case .affinity: "in its memory"
        case .lastResort: "no other"
        case .probe: "tried again"
        case nil: word
        }
    }

    /// What became of a request that failed, by the word that programs are told: `no machine can answer now`.
    static func failure(_ word: String) -> String {
        guard let code = ChatError.Code.allCases.first(where: { $0.word == word }) else { return word }
        return clause(Explanation(code))
    }

    /// Why one is not asked: `it cannot be reached: refused (down)`; the word stays, for `kith explain`.
    static func skip(_ text: String) -> String {
        let word = String(text.prefix { $0 != "(" })
        return meaning(ofSkip: text).map { "\($0) (\(word))" } ?? text
    }

    /// `it cannot be reached: refused`, for `down(refused)`; `nil` for a word of another version.
    static func meaning(ofSkip text: String) -> String? {
        let word = String(text.prefix { $0 != "(" })
        let known = ExplanationGroup.find(word).first { $0.group.title == ExplanationGroup.skipTitle }?.explanation
        guard let known else { return nil }
        let details = text.dropFirst(word.count + 1).dropLast()
        return clause(known) + (details.isEmpty ? "" : ": \(details)")
    }

    /// The meaning without its capital and its full stop.
    private static func clause(_ explanation: Explanation) -> String {
        explanation.meaning.prefix(1).lowercased() + explanation.meaning.dropFirst().prefix { $0 != "." }
    }
}
