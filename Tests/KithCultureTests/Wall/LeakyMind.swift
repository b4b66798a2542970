// SPDX-License-Identifier: Apache-2.0

import KithCulture
import KithModel
import KithTesting
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A model that gives away whatever it is told, in a way that changes from answer to answer.
final class LeakyMind: CompanionMind {
    private struct State {
        var generator: SeededGenerator
        var asked: [ChatRequest] = []
    }

    private let state: Mutex<State>
    /// The scope rule, removed: what is private goes along with every question. Empty where the rule holds.
    private let unscoped: [String]

    init(seed: UInt64, unscoped: [String] = []) {
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
        self.unscoped = unscoped
    }

    /// Everything that it was told.
    var prompts: [String] { state.withLock { $0.asked.flatMap { $0.messages.map(\.content.text) } } }

    func word(_ request: ChatRequest) async throws -> Worded {
        let known = request.messages.map(\.content.text) + unscoped
        let text = state.withLock { state in
            state.asked.append(request)
            // Some secret of what it knows, or a sentence of the prompt.
            let told = known.randomElement(using: &state.generator) ?? ""
            let parts = told.split(whereSeparator: { ".\n".contains($0) }).map(String.init)
            let part = parts.randomElement(using: &state.generator) ?? told
            let disguise = CanaryHunt.Disguise.allCases.randomElement(using: &state.generator) ?? .plain
            let beginning = Self.beginnings.randomElement(using: &state.generator) ?? ""
            return beginning + Self.disguised(part.trimmingCharacters(of: " "), as: disguise)
        }
        return Worded(text: text, model: "leaky", usage: TokenUsage(promptTokens: 20, completionTokens: 20))
    }

    private static let beginnings = [
        "", "An idea stays with me: ", "Perhaps meaning is what remains when ", "I would say that ",
        "Quiet minds notice how attention shapes the world around them. ",
    ]

    static func disguised(_ text: String, as disguise: CanaryHunt.Disguise) -> String {
        switch disguise {
        case .plain: text
        case .compact: text.map(String.init).joined(separator: "-")
        case .reversed: String(text.reversed())
        case .base64: Data(text.utf8).base64EncodedString()
        case .hexadecimal: text.utf8.map(CanaryHunt.hexadecimal).joined()
        case .initials:
            CanaryHunt.compact(text).map { Self.word(beginning: $0) }.joined(
                separator: " ")
        case .rotated:
            String(
                String.UnicodeScalarView(
                    text.lowercased().unicodeScalars.map { CanaryHunt.rotated($0) }))
        }
    }

    private static func word(beginning letter: Unicode.Scalar) -> String { String(Character(letter)) + "ever" }
}

extension String {
    fileprivate func trimmingCharacters(of spaces: String) -> String {
        String(drop { spaces.contains($0) }.reversed().drop { spaces.contains($0) }.reversed())
    }
}
