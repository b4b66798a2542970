// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("The model of a launch")
struct LaunchModelTests {
    private let models = [
        OpenAIModel(ModelInfo(id: "small", contextLength: 8_192)),
        OpenAIModel(ModelInfo(id: "large:latest", contextLength: 65_536)), OpenAIModel(ModelInfo(id: "quiet")),
        OpenAIModel(ModelInfo(id: "auto")),
    ]

    private func route(_ candidates: String..., refusal: String? = nil) -> RouteMessage.Explanation {
        let estimate = RouteMessage.Estimate(
            outstanding: 0, slots: 1, tokensPerSecond: nil, queueMilliseconds: 0, serviceMilliseconds: 0,
            roundTripMilliseconds: 0, coldLoadMilliseconds: 0, penaltyMilliseconds: 0, level: 1, breaker: "closed",
            prefixBlocks: 0)
        return RouteMessage.Explanation(
            asked: nil, promptTokens: 1, node: candidates.first.map { _ in "desk" }, model: candidates.first,
            refusal: refusal,
            candidates: candidates.map {
                .init(node: "desk", model: $0, waitMilliseconds: 0, scoreMilliseconds: 0, estimate: estimate)
            }, skipped: [])
    }

    @Test("The first candidate that holds the program's first request is taken, else the first of all")
    func best() throws {
        let claude = try LaunchProgram.named("claude")
        let aider = try LaunchProgram.named("aider")
        #expect(
            try LaunchModel.best(for: claude, of: route("small", "large:latest"), in: models)
                == LaunchModel(name: "large:latest", context: 65_536))
        #expect(try LaunchModel.best(for: claude, of: route("small"), in: models).name == "small")
        #expect(try LaunchModel.best(for: claude, of: route("small", "quiet"), in: models).name == "quiet")
        #expect(try LaunchModel.best(for: aider, of: route("small", "large:latest"), in: models).name == "small")
    }

    @Test("Without a candidate the node's own reason is told")
    func none() throws {
        let claude = try LaunchProgram.named("claude")
        let failure = #expect(throws: CommandError.self) {
            try LaunchModel.best(for: claude, of: route(refusal: "no engine here"), in: [])
        }
        #expect(failure == CommandError(.notAnswered, "there is no model for Claude Code: no engine here"))
    }

    @Test("A model is found by its name with and without its tag, and an alias has the context of what it stands for")
    func named() throws {
        #expect(
            try LaunchModel.named("large", in: models, route: nil)
                == LaunchModel(name: "large:latest", context: 65_536))
        #expect(
            try LaunchModel.named("auto", in: models, route: route("small"))
                == LaunchModel(name: "auto", context: 8_192))
        #expect(try LaunchModel.named("auto", in: models, route: nil).context == nil)
    }

    @Test("A model that nobody offers is refused with those that are")
    func unknown() {
        let failure = #expect(throws: CommandError.self) { try LaunchModel.named("gpt-5", in: models, route: nil) }
        #expect(failure?.status == .notAnswered)
        #expect(
            failure?.message == "no machine offers the model 'gpt-5'; there are small, large:latest, quiet, auto")
    }

    @Test("The request by which the best model is found is one that a node takes, and has tools")
    func probe() throws {
        let body = try JSONBody.decode(JSONValue.self, from: try JSONBody.encode(LaunchProbe()))
        #expect(body["model"] == "auto")
        #expect(body["messages"]?.arrayValue?.first?["content"] == "hello")
        #expect(body["tools"]?.arrayValue?.first?["function"]?["parameters"]?["type"] == "object")
    }
}
