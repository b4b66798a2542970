// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import NIOHTTP1

struct Route: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show which node would answer a prompt and why, without asking it.",
        discussion: """
            SCORE is what nodes are compared by, lower first: the time until a slot is free, the answer itself at the \
            speed that was learned, counted for less, the round trip, the loading of a model and what is left of recent \
            failures, all divided by the node's level. PREFIX counts the blocks of the prompt's beginning that the node \
            was sent last. NOTE says what speaks against a machine besides: on a battery that is to be spared its score \
            counts twice; where memory for the model is short, others are asked that have it.

            EXAMPLES:
              kith route "why is the sky blue?"
              kith route "hello" --model smollm2-135m-instruct --node laptop
              kith route --recent                       where the last requests went

            \(ExitStatus.explanation)
            """)

    @OptionGroup var question: QuestionFlags

    @OptionGroup var node: NodeFlags

    @Flag(help: "List the last requests, where they went and what became of them.")
    var recent = false

    @Option(help: ArgumentHelp("Requests to list at most.", valueName: "count"))
    var limit: Int = 20

    @Flag(help: "Print the node's answer as JSON.")
    var json = false

    func validate() throws {
        guard (1...256).contains(limit) else { throw ValidationError("--limit must be from 1 to 256") }
        if recent, question.isGiven {
            throw ValidationError("--recent lists requests that were made; it takes no prompt")
        }
    }

    func run() async throws {
        if recent { try await list() } else { try await explain() }
    }

    private func list() async throws {
        let found = try await node.client().get(RouteMessage.Recent.self, "/api/routes/recent?limit=\(limit)")
        try Terminal.print(found.requests, json: json, or: Terminal.lines(RecentRoutesReport.self, of: found))
    }

    private func explain() async throws {
        let request = AskRequest(
            turns: [.user(try question.question())], model: question.model, maxTokens: question.maxTokens)
        let found: RouteMessage.Explanation = try await node.client().post(
            "/api/routes/explain", request, headers: question.node.map { ["x-kith-node": $0] } ?? [:])
        try Terminal.print(found, json: json, as: RouteExplanationReport.self)
        if found.node == nil { throw CommandError(.notAnswered) }
    }
}
