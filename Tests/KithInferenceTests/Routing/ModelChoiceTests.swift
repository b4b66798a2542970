// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Testing

@testable import KithDialects

@Suite("The model for a prompt that names none")
struct ModelChoiceTests {
    private static let cloud = ModelInfo.sketch("gpt-oss:120b-cloud", runsElsewhere: true)
    private static let embedder = ModelInfo.sketch("nomic-embed-code", embeds: true, chats: false)

    private static func chosen(_ model: ModelID?, _ models: ModelInfo..., by purpose: RouteRequest.Purpose = .chat)
        -> [ModelID]
    {
        Router().decide(
            RouteRequest(purpose: purpose, model: model), among: [.sketch("n", models: models)], now: .zero
        ).choices.map(\.candidate.model)
    }

    @Test("Never runs at a provider and never only embeds", arguments: [nil, "auto", "fast", "code"] as [ModelID?])
    func local(model: ModelID?) {
        #expect(Self.chosen(model, Self.cloud, Self.embedder, .sketch("llama3.2:latest")) == ["llama3.2:latest"])
        #expect(Self.chosen(model, Self.cloud, Self.embedder).isEmpty)
    }

    @Test("Whoever names a model gets it, wherever it runs")
    func named() {
        #expect(Self.chosen("gpt-oss:120b-cloud", Self.cloud, .sketch("m")) == ["gpt-oss:120b-cloud"])
    }

    @Test("The owner's choice is taken, also when it runs at a provider: the settings name it")
    func preferred() {
        var cloud = Self.cloud
        cloud.isPreferred = true
        #expect(Self.chosen(nil, cloud, .sketch("m")) == ["gpt-oss:120b-cloud"])
    }

    @Test("It is the first that can do what the request needs, and has room for it")
    func suited() {
        func sketch(_ id: ModelID, _ capabilities: [String]?, context: Int? = nil) -> ModelInfo {
            ModelInfo(id: id, contextLength: context, capabilities: capabilities)
        }
        let models = [
            sketch("plain", ["completion"], context: 4_096), sketch("tools", ["completion", "tools"], context: 8_192),
            sketch("eyes", ["completion", "tools", "vision"], context: 131_072),
        ]
        func chosen(_ features: Set<Feature> = [], tokens: Int = 0, model: ModelID? = nil) -> ModelID? {
            Router().decide(
                RouteRequest(model: model, tokens: tokens, features: features),
                among: [.sketch("n", models: models)], now: .zero
            ).choices.first?.candidate.model
        }
        #expect(chosen() == "plain")
        #expect(chosen([.tools]) == "tools")
        #expect(chosen([.vision]) == "eyes")
        #expect(chosen([.tools, .vision], model: "auto") == "eyes")
        #expect(chosen(tokens: 5_000) == "tools")
        #expect(chosen([.tools], tokens: 9_000) == "eyes")
        #expect(chosen([.vision], model: "plain") == nil, "what was named is not replaced by another")
    }

    @Test("What avoids cost asks no provider, also where the owner chose one or names it")
    func affordable() {
        var cloud = Self.cloud
        cloud.isPreferred = true
        let provider = ModelInfo(id: "claude", isAtProvider: true)
        for model in [nil, "auto", "claude", "gpt-oss:120b-cloud"] as [ModelID?] {
            var request = RouteRequest(model: model)
            request.avoidsCost = true
            let decision = Router().decide(request, among: [.sketch("n", models: [cloud, provider])], now: .zero)
            #expect(decision.choices.isEmpty)
            #expect(decision.skipped.map(\.reason) == [.runsElsewhere])
        }
        var request = RouteRequest()
        request.avoidsCost = true
        let decision = Router().decide(request, among: [.sketch("n", models: [provider, .sketch("m")])], now: .zero)
        #expect(decision.choices.map(\.candidate.model) == ["m"])
        #expect(Self.chosen(nil, provider) == ["claude"], "an engine at a provider that the owner set up is for users")
    }

    @Test("Texts are embedded by what embeds")
    func embedding() {
        #expect(Self.chosen(nil, .sketch("m"), Self.embedder, by: .embedding) == ["nomic-embed-code"])
    }

    @Test("Sound and pictures go to a model whose name fits, and to any where none does")
    func services() {
        let whisper = ModelInfo.sketch("whisper-1", chats: false)
        #expect(Self.chosen(nil, .sketch("m"), whisper, by: .service(.transcriptions)) == ["whisper-1"])
        #expect(Self.chosen("m", .sketch("m"), whisper, by: .service(.transcriptions)) == ["m"])
        #expect(Self.chosen(nil, .sketch("m"), whisper, by: .service(.speech)) == ["m"])
        #expect(Self.chosen(nil, Self.cloud, by: .service(.speech)).isEmpty)
    }

    @Test("Where everything runs at a provider the client is told to name what it wants")
    func onlyCloud() {
        let request = RouteRequest()
        let decision = Router().decide(request, among: [.sketch("n", models: [Self.cloud])], now: .zero)
        let refusal = decision.refusal(of: request, now: .zero)
        #expect(refusal.code == .modelNotFound)
        #expect(refusal.knownModels == ["gpt-oss:120b-cloud"])
        #expect(refusal.message.contains("named"))
    }

    @Test(
        "Ollama's models that run at a provider are known by what it lists of them",
        arguments: [
            (#"{"name":"a:1","remote_host":"https://ollama.com:443"}"#, true),
            (#"{"name":"a:1","remote_model":"b"}"#, true), (#"{"name":"a:120b-cloud"}"#, true),
            (#"{"name":"a:cloud"}"#, true), (#"{"name":"a:1","remote_host":""}"#, false),
            (#"{"name":"cloudy:latest","digest":"x"}"#, false),
        ])
    func ollama(tag: String, isElsewhere: Bool) throws {
        let list = try JSONBody.decode(OllamaTagList.self, from: Array(#"{"models":[\#(tag)]}"#.utf8))
        #expect(list.models.map(\.runsElsewhere) == [isElsewhere])
    }

    @Test("What an older node says of a model is read as it meant it, and the new is kept")
    func coding() throws {
        let old = #"{"id":"m","embeds":true,"created":0,"ownedBy":"x"}"#
        let info = try JSONBody.decode(ModelInfo.self, from: Array(old.utf8))
        #expect(info == ModelInfo(id: "m", embeds: true, ownedBy: "x"))
        let new = ModelInfo(
            id: "m", contextLength: 5, chats: false, runsElsewhere: true, isAtProvider: true, isPreferred: true,
            capabilities: ["vision"])
        #expect(try JSONBody.decode(ModelInfo.self, from: JSONBody.encode(new)) == new)
    }
}
