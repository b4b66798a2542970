// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import NIOHTTP1

struct Route: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show which node would answer a prompt and why, without asking it.",
        discussion: """
            SCORE is what nodes are compared by, lower first: the time until a slot is free, the answer itself at the \
            speed that was learned, counted for less, the round trip, the loading of a model and what is left of recent \
            failures, all divided by the node's level. PREFIX counts the blocks of the prompt's beginning that the node \
            was sent last.

            EXAMPLES:
              kith route "why is the sky blue?"
              kith route "hello" --model smollm2-135m-instruct --node laptop
              kith route --recent                       where the last requests went

            \(ExitStatus.explanation)
            """)

    private static let longestPrompt = 1_048_576

    @Argument(help: "The prompt; - reads it from standard input.")
    var prompt: String?

    @OptionGroup var node: NodeFlags

    @Option(help: ArgumentHelp("The model to ask; else whatever the best node offers.", valueName: "model"))
    var model: String?

    @Option(name: .customLong("node"), help: ArgumentHelp("The node whose engine is to answer.", valueName: "name"))
    var nodeName: String?

    @Option(help: ArgumentHelp("Tokens made at most.", valueName: "count"))
    var maxTokens: Int?

    @Flag(help: "List the last requests, where they went and what became of them.")
    var recent = false

    @Option(help: ArgumentHelp("Requests to list at most.", valueName: "count"))
    var limit: Int = 20

    @Flag(help: "Print the node's answer as JSON.")
    var json = false

    func validate() throws {
        if let nodeName, NodeName(nodeName) == nil { throw ValidationError("'\(nodeName)' is not a node's name") }
        guard (1...256).contains(limit) else { throw ValidationError("--limit must be from 1 to 256") }
        let hasWishes = prompt != nil || model != nil || nodeName != nil || maxTokens != nil
        if recent, hasWishes { throw ValidationError("--recent lists requests that were made; it takes no prompt") }
        if !recent, prompt == nil {
            throw ValidationError("there is no prompt; try kith route \"why is the sky blue?\"")
        }
    }

    func run() async throws {
        if recent { try await list() } else { try await explain() }
    }

    private func list() async throws {
        let found = try await node.client().get(RouteMessage.Recent.self, "/api/routes/recent?limit=\(limit)")
        if json { return try Terminal.printJSON(found.requests) }
        try Terminal.printLines(RecentRoutesReport(found, width: Terminal.width, style: Terminal.style).lines)
    }

    private func explain() async throws {
        let request = AskRequest(prompt: try promptText(), model: model, maxTokens: maxTokens)
        let found: RouteMessage.Explanation = try await node.client().post(
            "/api/routes/explain", request, headers: nodeName.map { ["x-kith-node": $0] } ?? [:])
        if json {
            try Terminal.printJSON(found)
        } else {
            try Terminal.printLines(
                RouteExplanationReport(found, width: Terminal.width, style: Terminal.style).lines)
        }
        if found.node == nil { throw CommandFailure(.notAnswered) }
    }

    private func promptText() throws -> String {
        if let prompt, prompt != "-" { return prompt }
        return try Terminal.readInput(limit: Self.longestPrompt)
    }
}
