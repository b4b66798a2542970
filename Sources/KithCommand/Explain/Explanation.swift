// SPDX-License-Identifier: Apache-2.0

import KithAlerts
import KithDialects
import KithInference
import KithModel
import KithTrust

/// What a refusal or an error means, and what to do about it: `kith explain` and `docs/refusals.md`.
package struct Explanation: Encodable, Hashable, Sendable {
    /// The word that programs are told.
    package var code: String
    /// One sentence: what happened.
    package var meaning: String
    /// One sentence: what the user can do.
    package var remedy: String

    init(_ code: String, _ meaning: String, _ remedy: String) {
        self.code = code
        self.meaning = meaning
        self.remedy = remedy
    }
}

/// Explanations of codes that are met in the same place.
package struct ExplanationGroup: Encodable, Hashable, Sendable {
    package var title: String
    /// Where the user sees them.
    package var place: String
    package var explanations: [Explanation]

    /// Of the group with the reasons for which a machine is not asked.
    static let skipTitle = "Why a machine is not asked"

    package static let all = [
        ExplanationGroup(
            title: "Answers to prompts",
            place: "In the answer to a client, as `error.code`; in `kith trace` and in the log.",
            explanations: ChatError.Code.allCases.map(Explanation.init) + Explanation.ofResponses),
        ExplanationGroup(
            title: "At the door", place: "In the answer to a program, as `error.code`, before its prompt is looked at.",
            explanations: RequestRefusalCode.allCases.map(Explanation.init)),
        ExplanationGroup(
            title: skipTitle,
            place: "In `kith route`, in the header `x-kith-route`, and at the page's routing.",
            explanations: SkipReason.examples.map(Explanation.init)),
        ExplanationGroup(
            title: "How a machine is", place: "In `kith peers`, `kith status` and at the page, as STATE.",
            explanations: Explanation.ofStates),
        ExplanationGroup(
            title: "Pairing", place: "From `kith join`, and as the reason in `kith audit`.",
            explanations: PairingCode.Unreadable.kinds.map(Explanation.init)
                + PairingRefusal.allCases.map(Explanation.init)),
        ExplanationGroup(
            title: "Keys", place: "As the reason in `kith audit`; the client hears only that its key is not valid.",
            explanations: KeyRefusal.allCases.map(Explanation.init)),
        ExplanationGroup(
            title: "The owner's commands", place: "From commands of kith and at the page, as `error.code`.",
            explanations: ControlError.Code.allCases.map(Explanation.init)),
        ExplanationGroup(
            title: "Models", place: "From `kith model`, and below `/api/models`, as `error.code`.",
            explanations: ModelRefusal.Reason.allCases.map(Explanation.init)),
        ExplanationGroup(
            title: "Alerts", place: "From `kith alerts`, at the page, and where `alerts` sends them.",
            explanations: AlertRule.table.map(Explanation.init)),
        ExplanationGroup(
            title: "The exit status of kith", place: "`echo $?` after a command.",
            explanations: ExitStatus.allCases.compactMap(Explanation.init)),
    ]

    /// What is known of a code, with the place where each is met; several places may use one word.
    package static func find(_ code: String) -> [(group: ExplanationGroup, explanation: Explanation)] {
        let wanted = bare(code)
        return all.flatMap { group in
            group.explanations.filter { bare($0.code) == wanted }.map { (group, $0) }
        }
    }

    /// `no-engine`, `noEngine` and `no_engine` are the same word.
    private static func bare(_ code: String) -> String {
        let word = code.prefix { $0 != "(" }
        return word.lowercased().filter { $0.isLetter || $0.isNumber }
    }

    /// `docs/refusals.md`.
    package static var markdown: String {
        """
        # Refusals and errors

        <!-- Made by `kith explain --markdown`; a test holds it to the tables in the source. -->

        `kith explain CODE` prints the line of a code.


        """ + all.map(\.markdown).joined(separator: "\n")
    }

    private var markdown: String {
        """
        ## \(title)

        \(place)

        | code | what it means | what to do |
        | --- | --- | --- |

        """ + explanations.map { "| `\($0.code)` | \($0.meaning) | \($0.remedy) |\n" }.joined()
    }
}
