// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import NIOHTTP1

/// What a running node says of its engine, and what that means.
struct EngineFindings: Sendable {
    var status: NodeStatus
    /// What the settings say; flags of the running node may have said otherwise.
    var settings: EngineSettings

    var findings: [Finding] {
        let engine = status.engine
        guard let kind = engine.kind else { return [absent] }
        switch engine.state {
        case "ready": return [missingModel(kind) ?? ready(kind)]
        case "loading":
            return [
                Finding(
                    .engine, "engine", .notice, "\(kind) is loading its model; it answers when it has", of: kind)
            ]
        default:
            return [
                Finding(
                    .engine, "engine", .error, "the engine cannot answer: \(engine.reason)",
                    fix: EngineRemedy.start(kind, settings),
                    of: kind)
            ]
        }
    }

    /// Whether it makes sense to ask for an answer.
    var isReady: Bool { status.engine.kind != nil && status.engine.state == "ready" && !status.engine.models.isEmpty }

    private func ready(_ kind: String) -> Finding {
        let engine = status.engine
        guard !engine.models.isEmpty else {
            return Finding(
                .engine, "engine", .error, "\(kind) answers, and offers no model", fix: EngineRemedy.model(kind, nil),
                of: kind)
        }
        let models = engine.models.prefix(3).joined(separator: ", ") + (engine.models.count > 3 ? ", …" : "")
        return Finding(.engine, "engine", .ok, "\(kind), because \(engine.reason): \(models)", of: kind)
    }

    private func missingModel(_ kind: String) -> Finding? {
        guard case .fixed(let chosen) = settings.choice, chosen.rawValue == kind,
            let model = EngineRemedy.configuredModel(settings, kind: chosen),
            !EngineRemedy.offers(status.engine.models, model)
        else { return nil }
        return EngineRemedy.missing(model, of: kind, offered: status.engine.models)
    }

    /// No engine here is fine as long as a kin has one.
    private var absent: Finding {
        let kin = status.peers.filter { $0.tier == Tier.kin.rawValue }
        let able = kin.filter { $0.state == "up" && !$0.models.isEmpty }.map(\.name)
        guard able.isEmpty else {
            return Finding(.engine, "engine", .ok, "none here; kin answer: \(able.prefix(4).joined(separator: ", "))")
        }
        let unreached = kin.filter { $0.state != "up" }.map(\.name)
        guard unreached.isEmpty else {
            return Finding(
                .engine, "engine", .warning,
                "no engine here, and no kin in reach has one: nobody can answer (not reached: "
                    + "\(unreached.prefix(4).joined(separator: ", ")))",
                fix: EngineRemedy.install, isConsequence: true)
        }
        return Finding(
            .engine, "engine", .warning,
            "no engine here, and no kin that has one: nobody can answer; \(status.engine.reason)",
            fix: status.engine.reason == EngineChoice.noneWords ? EngineRemedy.allow : EngineRemedy.install)
    }
}

/// How to fix an engine.
enum EngineRemedy {
    static let install = Finding.Fix(
        "put an engine and a small model on this machine, or pair one that has them",
        command: "kith setup --yes --engine")

    /// Where the owner wants no engine, installing one changes nothing.
    static let allow = Finding.Fix(
        "pair a machine that has an engine; or start this node without --engine none, and take engine.kind: none out of its "
            + "settings, if it shall use one of its own", command: "kith invite --tier kin")

    static func start(_ kind: String, _ settings: EngineSettings) -> Finding.Fix {
        switch EngineKind(rawValue: kind) {
        // Where no setting names a server, it was found.
        case .openAI? where settings.choice == .automatic && settings.openAI.address == OpenAISettings().address:
            Finding.Fix("start that program again, as it was started before")
        case .ollama?: Finding.Fix("start Ollama, or correct engine.ollama.base_url", command: "ollama serve")
        case .openAI?: Finding.Fix("start that server, or correct engine.openai.base_url (OPENAI_BASE_URL) and its key")
        case .anthropic?: Finding.Fix("check ANTHROPIC_API_KEY and the way to the internet")
        case .embedded?:
            Finding.Fix("mend the installation; its log is in state/engine/engine.log", command: "kith engine install")
        case .echo?, .count?, nil: Finding.Fix("start the node again", command: "kith up")
        }
    }

    static func model(_ kind: String, _ model: String?) -> Finding.Fix {
        switch EngineKind(rawValue: kind) {
        case .ollama?:
            Finding.Fix("let Ollama fetch it, or name one that is there", command: "ollama pull \(model ?? "llama3.2")")
        case .embedded?: Finding.Fix("install it again", command: "kith engine install")
        default: Finding.Fix("load a model there, or name one that it offers with --model")
        }
    }

    static func missing(_ model: ModelID, of kind: String, offered: [String]) -> Finding {
        let there = offered.isEmpty ? "it offers none" : "it offers \(offered.prefix(4).joined(separator: ", "))"
        return Finding(
            .engine, "engine", .error, "\(kind) answers, but the model \(model) is not there: \(there)",
            fix: Self.model(kind, model.rawValue), of: kind)
    }

    static func configuredModel(_ settings: EngineSettings, kind: EngineKind) -> ModelID? {
        switch kind {
        case .ollama: settings.ollama.model
        case .openAI: settings.openAI.model
        case .anthropic: settings.anthropic.model
        case .embedded, .echo, .count: nil
        }
    }

    /// Ollama's names have a tag, which is `latest` when it is left out.
    static func offers(_ offered: [String], _ model: ModelID) -> Bool {
        offered.isEmpty || offered.contains(model.rawValue) || offered.contains(model.rawValue + ":latest")
    }
}

/// Whether the engine of the running node really answers: a few tokens through the node's own route.
struct GenerationDiagnosis: Diagnosis {
    static let tokens = 8
    /// A slow machine with a large model makes a few tokens a second.
    static let patience = Duration.seconds(10)

    let check = CheckID.generation
    let title = "generation"
    var limit: Duration { Self.patience + .seconds(2) }

    let access: NodeAccess
    /// The node's name, so that no kin answers in its place.
    let node: String
    let kind: String
    let settings: EngineSettings
    let clock: any TimeSource

    func run() async -> [Finding] {
        let start = clock.now
        do {
            let (status, json) = try await access.post(
                "/v1/chat/completions",
                [
                    "model": "auto", "max_tokens": .integer(Int64(Self.tokens)),
                    "messages": [["role": "user", "content": "Answer with one word: are you there?"]],
                ], headers: ["x-kith-node": node], limit: Self.patience)
            return [Self.finding(status: status, json: json, took: clock.now - start, kind: kind, settings)]
        } catch {
            let failure = error as? ChatError
            let why = failure?.message ?? "the node did not answer"
            // Slow is not broken: anew is what to do about an engine that was seen to be.
            if failure?.code == .timeout {
                return [
                    Finding(
                        check, title, .warning, "no answer within \(Self.patience.shortText)",
                        fix: Finding.Fix(
                            "wait: the engine is busy, slow, or still loading its model", command: "kith top"), of: kind
                    )
                ]
            }
            return [
                Finding(
                    check, title, .error, "no answer within \(Self.patience.shortText): \(why)",
                    fix: EngineRemedy.start(kind, settings), of: kind)
            ]
        }
    }

    static func finding(
        status: Int, json: JSONValue?, took: Duration, kind: String, _ settings: EngineSettings
    ) -> Finding {
        let text = json?["choices"]?.arrayValue?.first?["message"]?["content"]?.stringValue ?? ""
        if status == 200 {
            guard !text.isEmpty else {
                return Finding(
                    .generation, "generation", .notice, "the engine answered, and said nothing", of: kind, took: took)
            }
            let count = json?["usage"]?["completion_tokens"]?.intValue.map { "\($0) tokens" } ?? "an answer"
            return Finding(.generation, "generation", .ok, "\(count) in \(took.shortText)", of: kind)
        }
        let why = json?["error"]?["message"]?.stringValue ?? json?["error"]?.stringValue ?? "status \(status)"
        if status == 429 || status == 503, why.contains("busy") || why.contains("queue") {
            return Finding(.generation, "generation", .notice, "the engine is busy with other requests", of: kind)
        }
        return Finding(
            .generation, "generation", .error, "the engine did not answer: \(why.prefix(300))",
            fix: EngineRemedy.start(kind, settings), of: kind)
    }
}
