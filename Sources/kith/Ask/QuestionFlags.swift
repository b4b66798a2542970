// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithModel
import SystemPackage

/// A prompt, and who is to answer it how.
struct QuestionFlags: ParsableArguments {
    private static let longestPrompt = 1_048_576

    @Argument(help: "The prompt; - reads it from standard input, as does no prompt when that is not a terminal.")
    var prompt: String?

    @Option(
        help: ArgumentHelp(
            "The model to ask, or an alias: auto, fast, code or one of your own; else whatever the best node offers.",
            valueName: "model"))
    var model: String?

    @Option(name: .customLong("node"), help: ArgumentHelp("The node whose engine is to answer.", valueName: "name"))
    var node: String?

    @Option(help: ArgumentHelp("Tokens made at most.", valueName: "count"))
    var maxTokens: Int?

    func validate() throws {
        if let node, NodeName(node) == nil { throw ValidationError("'\(node)' is not a node's name") }
    }

    /// Whether anything of it was said.
    var isGiven: Bool { prompt != nil || model != nil || node != nil || maxTokens != nil }

    /// - Parameter command: What to name in the example where there is no prompt.
    func text(for command: String) throws -> String {
        if let prompt, prompt != "-" { return prompt }
        let isTyped = prompt == nil && Terminal.isTerminal(.standardInput)
        let text = isTyped ? "" : try Terminal.readInput(limit: Self.longestPrompt)
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw ValidationError("there is no prompt; try \(command) \"why is the sky blue?\"")
        }
        return text
    }
}
