// SPDX-License-Identifier: Apache-2.0

import KithInference

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

    /// Why one is not asked: `it cannot be reached: refused (down)`; the word stays, for `kith explain`.
    static func skip(_ text: String) -> String {
        let word = String(text.prefix { $0 != "(" })
        let known = ExplanationGroup.find(word).first { $0.group.title == ExplanationGroup.skipTitle }?.explanation
        guard let known else { return text }
        let meaning = known.meaning.prefix(1).lowercased() + known.meaning.dropFirst().prefix { $0 != "." }
        let details = text.dropFirst(word.count + 1).dropLast()
        return meaning + (details.isEmpty ? "" : ": \(details)") + " (\(word))"
    }
}
