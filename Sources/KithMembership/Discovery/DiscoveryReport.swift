// SPDX-License-Identifier: Apache-2.0

import KithModel

/// All that one ``Discovery`` suggests at a moment, and what hinders it.
package struct DiscoveryReport: Hashable, Sendable {
    package static let maximumSuggestions = 256
    package static let maximumProblems = 32
    /// Bytes of one problem.
    package static let maximumProblemLength = 400

    /// The preferred ones first, each address once.
    package let suggestions: [Suggestion]
    /// Whole sentences, without a full stop.
    package let problems: [String]

    /// Of several suggestions for one address the first that claims an id is kept, or else the first; what is over the
    /// limits is dropped from the end.
    package init(suggestions: [Suggestion] = [], problems: [String] = []) {
        var places: [PeerAddress: Int] = [:]
        var kept: [Suggestion] = []
        for suggestion in suggestions {
            if let place = places[suggestion.address] {
                if kept[place].id == nil, suggestion.id != nil { kept[place] = suggestion }
            } else if kept.count < Self.maximumSuggestions {
                places[suggestion.address] = kept.count
                kept.append(suggestion)
            }
        }
        self.suggestions = kept
        self.problems = problems.prefix(Self.maximumProblems).map(Self.bounded)
    }

    private static func bounded(_ problem: String) -> String {
        guard problem.utf8.count > maximumProblemLength else { return problem }
        return String(decoding: problem.utf8.prefix(maximumProblemLength), as: UTF8.self) + "…"
    }
}
