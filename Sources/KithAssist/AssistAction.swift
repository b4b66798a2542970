// SPDX-License-Identifier: Apache-2.0

/// What is to be done with the code.
package struct AssistAction: Hashable, Sendable, RawRepresentable {
    /// Bytes.
    package static let limit = 64

    package let rawValue: String

    /// - Returns: `nil` unless there are from 1 to ``limit`` bytes without control characters, and not only white space.
    package init?(rawValue: String) {
        let isPlain = !rawValue.unicodeScalars.contains { $0.properties.generalCategory == .control }
        guard isPlain, rawValue.utf8.count <= Self.limit, !rawValue.allSatisfy(\.isWhitespace) else { return nil }
        self.rawValue = rawValue
    }

    private init(known: String) { rawValue = known }

    package static let analyze = AssistAction(known: "analyze")
    package static let explain = AssistAction(known: "explain")
    package static let review = AssistAction(known: "review")
    package static let refactor = AssistAction(known: "refactor")
    package static let document = AssistAction(known: "document")
    package static let test = AssistAction(known: "test")
    package static let fix = AssistAction(known: "fix")
    package static let complete = AssistAction(known: "complete")

    /// Whether code is a good answer.
    var wantsCode: Bool { [.refactor, .document, .test, .fix, .complete].contains(self) }

    /// What an engine is told to do; an action that is not known here is passed on in its own words.
    var instruction: String {
        switch self {
        case .analyze: "Find what is wrong or weak in the code, and say how to improve it."
        case .explain: "Explain what the code does, step by step."
        case .review: "Review the code as a careful colleague: errors first, then what could be clearer."
        case .refactor: "Say how the code can be restructured without changing what it does."
        case .document: "Write the documentation that the code lacks."
        case .test: "Name the cases in which the code should be tested, with what is expected of each."
        case .fix: "Find the errors in the code and say how each is corrected."
        case .complete: "Continue the code where it is unfinished."
        default: "The task, in the words of the one who asks: \(rawValue)"
        }
    }
}
