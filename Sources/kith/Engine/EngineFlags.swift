// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithNode

/// The flags that one node and a cluster share. Their values are checked with the other settings.
struct EngineFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What generates tokens: auto, ollama, openai, anthropic, embedded, echo, count or none.",
            discussion: "auto (the default) takes Ollama if it answers, else llama-server with a model, else the "
                + "embedded engine; never a cloud provider. echo and count are deterministic, for tests.",
            valueName: "kind"),
        completion: .list(["auto", "ollama", "openai", "anthropic", "embedded", "echo", "count", "none"]))
    var engine: String?

    @Option(help: ArgumentHelp("The model: a name, or a path ending in .gguf for llama.cpp.", valueName: "model"))
    var model: String?

    @Option(help: ArgumentHelp("Requests served at once.", valueName: "count"))
    var slots: String?

    @Option(
        help: ArgumentHelp("Where the embedded engine is installed.", valueName: "path"), completion: .directory)
    var engineDir: String?

    @Option(help: ArgumentHelp("Speed of the engines echo and count.", valueName: "rate"))
    var tokensPerSecond: String?

    @Option(help: ArgumentHelp("Seconds before the first token of echo and count.", valueName: "seconds"))
    var firstTokenDelay: String?

    @Option(
        help: ArgumentHelp(
            "The least severity logged: trace, debug, info, notice, warning, error or critical.", valueName: "level"),
        completion: .list(["trace", "debug", "info", "notice", "warning", "error", "critical"]))
    var logLevel: String?

    var settings: [SettingKey: String] {
        let given: [(SettingKey, String?)] = [
            (.engineKind, engine), (.engineModel, model), (.engineSlots, slots), (.engineDirectory, engineDir),
            (.testTokensPerSecond, tokensPerSecond), (.testFirstTokenDelay, firstTokenDelay), (.logLevel, logLevel),
        ]
        return Dictionary(
            given.compactMap { key, text in text.map { (key, $0) } }, uniquingKeysWith: { first, _ in first })
    }
}
