// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import KithNode
import SystemPackage

struct Launch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start a program, such as a coding agent, that asks this node.",
        discussion: """
            It knows \(LaunchProgram.all.map(\.name).joined(separator: ", ")). The program is told where the node is \
            by its environment and its flags, for this one start; its configuration is left as it is. Where the node \
            asks for keys, the program gets one of its own, which stays in the node's folder. What is set goes to \
            standard error.

            EXAMPLES:
              kith launch claude
              kith launch codex --model qwen3-coder:30b
              kith launch aider -- --no-git
              kith launch opencode --print              what to set, as a shell reads it, with the key

            \(ExitStatus.explanation)
            """)

    @Argument(help: "The program's name.", completion: .list(LaunchProgram.all.map(\.name)))
    var program: String

    @Option(
        help: ArgumentHelp(
            "The model to ask, or an alias; else the one that the node would choose for an agent.",
            valueName: "model"))
    var model: String?

    @Option(
        help: ArgumentHelp(
            "The model for titles and summaries, where the program has such; else the same.", valueName: "model"))
    var smallModel: String?

    @Option(
        help: ArgumentHelp(
            "Tokens that prompt and answer may have together; else what the node knows of the model.",
            valueName: "tokens"))
    var context: Int?

    @Flag(help: "Print what would be set and run, as a shell reads it, and start nothing.")
    var print = false

    @OptionGroup var node: NodeFlags

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("After --: the program's own arguments.", valueName: "arguments"))
    var arguments: [String] = []

    func validate() throws {
        if let context, !(1...100_000_000).contains(context) {
            throw ValidationError("--context must be from 1 to 100000000")
        }
        for name in [model, smallModel] where name?.isEmpty == true || name.map({ $0.printable != $0 }) == true {
            throw ValidationError("a model's name must not be empty or hold control characters")
        }
    }

    func run() async throws {
        let program = try LaunchProgram.named(program)
        let executable = try print ? nil : LaunchProcess.find(program)
        let client = try node.client()
        let chosen = try await ModelChoice(client: client, program: program).model(named: model)
        var target = LaunchTarget(
            node: client.address, key: try await LaunchKey(node: node, program: program).key(asking: client),
            model: chosen.name, smallModel: smallModel, context: context ?? chosen.context)
        if let folder = try node.ownFolder() {
            let authority = ClientCertificate.authorityFile(in: folder)
            if (try? Stat(FilePath(authority))) != nil { target.authority = authority }
        }
        let plan = LaunchPlan(program, for: target, arguments: arguments)
        guard let executable else {
            for note in plan.notes { Terminal.note("note: \(note)") }
            return try Terminal.printLines(plan.script)
        }
        for line in plan.summary(in: Terminal.environment) { Terminal.note(Terminal.errorStyle.dim(line)) }
        try LaunchProcess.become(
            executable, arguments: plan.arguments, environment: plan.environment(in: Terminal.environment))
    }
}

/// Finds out which model a program is to use.
private struct ModelChoice: Sendable {
    var client: NodeClient
    var program: LaunchProgram

    /// - Parameter name: `nil` leaves the choice to the node.
    func model(named name: String?) async throws -> LaunchModel {
        let models = try await client.get(OpenAIModelList.self, "/v1/models").data
        guard let name else {
            return try LaunchModel.best(for: program, of: try await route(for: nil), in: models)
        }
        let known = try LaunchModel.named(name, in: models, route: nil)
        guard known.context == nil else { return known }
        // An alias, whose context is that of a model; a key that may not ask for it leaves it unknown.
        let route: RouteMessage.Explanation?
        do {
            route = try await self.route(for: name)
        } catch let error as CommandError where error.status == .notAnswered {
            route = nil
        }
        return try LaunchModel.named(name, in: models, route: route)
    }

    private func route(for model: String?) async throws -> RouteMessage.Explanation {
        do {
            return try await client.post("/api/routes/explain", LaunchProbe(model: model))
        } catch let error as CommandError where error.status == .notAnswered {
            throw CommandError(.notAnswered, "\(error.message); --model names a model without asking which is best")
        }
    }
}
