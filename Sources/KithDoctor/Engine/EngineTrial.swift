// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithMembership
import KithModel
import KithTransport
import Logging

/// The engine that a node would take if it were started now: which, why, and whether it answers.
struct EngineTrial: Diagnosis {
    let check = CheckID.engine
    let title = "engine"
    var limit: Duration { GenerationDiagnosis.patience + .seconds(6) }

    let settings: EngineSettings
    /// Whether other machines of the owner may answer.
    let hasKin: Bool
    let client: UpstreamClient
    let clock: any TimeSource

    func run() async -> [Finding] {
        let factory = EngineFactory(
            settings: settings, client: client, clock: clock,
            logger: Logger(label: "kith.doctor") { _ in SwiftLogNoOpLogHandler() })
        let selection = await factory.select()
        let distrusted = selection.skipped.filter(\.isDistrusted).map { skip in
            Finding(check, title, .warning, skip.reason, of: skip.name)
        }
        return distrusted + (await findings(of: selection, by: factory))
    }

    private func findings(of selection: EngineSelection, by factory: EngineFactory) async -> [Finding] {
        switch selection.engine {
        case .none where settings.choice == .none:
            return [Finding(check, title, .ok, "none, as the settings say: kin answer")]
        case .none:
            let skipped = selection.skipped.map { "\($0.name): \($0.reason)" }.joined(separator: "; ")
            return [
                hasKin
                    ? Finding(check, title, .notice, "no engine on this machine (\(skipped)); kin may have one")
                    : Finding(
                        check, title, .warning, "no engine on this machine (\(skipped))", fix: EngineRemedy.install)
            ]
        case .embedded: return [embedded(selection)]
        case .llamaServer(_, let model):
            return [Finding(check, title, .ok, "llama-server with \(model); it is loaded when the node starts")]
        case .echo, .count:
            return [Finding(check, title, .ok, "a test engine, because \(selection.reason)")]
        case .ollama, .openAI, .anthropic, .server, .listed, .several:
            guard let engine = factory.make(selection)?.engine else { return [] }
            return await look(at: engine, because: selection.reason)
        }
    }

    private func embedded(_ selection: EngineSelection) -> Finding {
        switch EmbeddedInstaller(directory: settings.embedded.directory).status() {
        case .installed(let versions):
            return Finding(
                check, title, .ok,
                "\(versions.engine) with \(versions.model) is installed; it is loaded when the node starts",
                of: "embedded")
        case .missing:
            return Finding(
                check, title, .error, "the embedded engine is asked for and not installed",
                fix: EngineRemedy.model("embedded", nil),
                of: "embedded")
        case .broken(let reason):
            return Finding(
                check, title, .error, "the embedded engine is broken: \(reason)",
                fix: EngineRemedy.model("embedded", nil),
                of: "embedded")
        }
    }

    private func look(at engine: any ChatEngine, because reason: String) async -> [Finding] {
        let kind = engine.kind.rawValue
        if case .down(let why) = await engine.health() {
            return [
                Finding(
                    check, title, .error, "the engine cannot answer: \(why)", fix: EngineRemedy.start(kind, settings),
                    of: kind)
            ]
        }
        do {
            let models = try await engine.models().map(\.id.rawValue)
            if let model = EngineRemedy.configuredModel(settings, kind: engine.kind),
                !EngineRemedy.offers(models, model)
            {
                return [EngineRemedy.missing(model, of: kind, offered: models)]
            }
            guard !models.isEmpty else {
                return [
                    Finding(
                        check, title, .error, "\(kind) answers, and offers no model",
                        fix: EngineRemedy.model(kind, nil), of: kind)
                ]
            }
            let chosen = Finding(
                check, title, .ok, "\(kind), because \(reason): \(models.prefix(3).joined(separator: ", "))", of: kind)
            return [chosen, await generate(with: engine)]
        } catch {
            let why = (error as? ChatError)?.message ?? "\(error)"
            return [
                Finding(
                    check, title, .error, "\(kind) cannot list its models: \(why)",
                    fix: EngineRemedy.start(kind, settings),
                    of: kind)
            ]
        }
    }

    /// Providers on the internet are paid by the token, so these are not asked.
    private func generate(with engine: any ChatEngine) async -> Finding {
        let kind = engine.kind.rawValue
        guard !engine.isRemote else {
            return Finding(
                .generation, "generation", .skipped, "answers of a provider cost money: try it with kith ask", of: kind)
        }
        var request = ChatRequest(
            messages: [ChatMessage(.user, "Answer with one word: are you there?")],
            sampling: SamplingOptions(maxTokens: GenerationDiagnosis.tokens))
        request.firstTokenLimit = GenerationDiagnosis.patience
        let start = clock.now
        do {
            guard case .events(let events) = try await engine.answer(request) else {
                return Finding(
                    .generation, "generation", .ok, "an answer in \((clock.now - start).shortText)", of: kind)
            }
            for try await event in events {
                guard case .finished(_, let usage) = event else { continue }
                let took = (clock.now - start).shortText
                return Finding(.generation, "generation", .ok, "\(usage.completionTokens) tokens in \(took)", of: kind)
            }
            throw ChatError(.interrupted, "the answer broke off")
        } catch {
            let why = (error as? ChatError)?.message ?? "it was not made in time"
            return Finding(
                .generation, "generation", .error, "the engine did not answer: \(why)",
                fix: EngineRemedy.start(kind, settings),
                of: kind)
        }
    }

}
