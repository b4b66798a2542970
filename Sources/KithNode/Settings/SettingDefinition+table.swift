// SPDX-License-Identifier: Apache-2.0

extension SettingDefinition {
    static let node: [SettingDefinition] = [
        SettingDefinition(
            .dataDirectory, .path, note: "the current folder if it has a folder `config`, else `~/.kith`",
            flag: "--data-dir", reach: .environment,
            help: "The node's folder: `config/`, `.env` and `state/`."),
        SettingDefinition(
            .name, .nodeName, note: "the machine's short name, `-` and the port", flag: "--name",
            help: "What the node is called in routes, status and logs."),
        SettingDefinition(
            .host, .host, fallback: "127.0.0.1", flag: "--host",
            help: "The address to listen on. One that other machines can reach needs TLS and a key."),
        SettingDefinition(
            .port, .integer(0...65_535), fallback: "8080", flag: "--port", seedName: "PORT",
            help: "The port to listen on; 0 takes a free one."),
        SettingDefinition(
            .roles, .choices(NodeRole.allCases.map(\.rawValue)), fallback: "node", flag: "--role",
            help: "The listeners that the node opens: `node` for clients, `cell` and `bridge` as AIOS has them, and "
                + "`discovery`, a registry for AIOS cells."),
        SettingDefinition(
            .level, .number(0...10), fallback: "1", flag: "--level",
            help: "The node's declared level: the weight of its capacity when kin choose among nodes."),
        SettingDefinition(
            .logLevel, .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
            fallback: "info", flag: "--log-level",
            help: "The least severity that is logged."),
        SettingDefinition(
            .requestBodyLimit, .byteCount(1_024...67_108_864), fallback: "4MiB",
            help: "The largest request body."),
        SettingDefinition(
            .seedBodyLimit, .byteCount(1_024...67_108_864), fallback: "1MiB",
            help: "The largest request body of the seeds' routes, `/api/…`."),
        SettingDefinition(
            .defaultMaxTokens, .integer(1...1_000_000), fallback: "2048",
            help: "Tokens made at most for a request that does not say how many."),
    ]

    static let engine: [SettingDefinition] = [
        SettingDefinition(
            .engineKind,
            .choice(["auto", "ollama", "openai", "anthropic", "embedded", "echo", "count", "none"]),
            fallback: "auto", flag: "--engine", environment: "KITH_ENGINE",
            help: "What generates tokens here. `auto` takes Ollama if it answers, else `llama-server` with a model, "
                + "else the embedded engine; never a cloud provider. `echo` and `count` are for tests."),
        SettingDefinition(
            .engineDirectory, .path,
            note: "`$XDG_DATA_HOME/kith/engine` or `~/.local/share/kith/engine`; "
                + "on macOS `~/Library/Application Support/kith/engine`",
            flag: "--engine-dir",
            help: "Where `kith engine install` puts the embedded engine, for all nodes of a user."),
        SettingDefinition(
            .engineModel, .modelName, flag: "--model",
            help: "The model of whichever engine is used, before that engine's own setting: "
                + "a path ending in `.gguf` for llama.cpp, else a name."),
        SettingDefinition(
            .engineSlots, .integer(1...1_024), flag: "--slots",
            help: "Requests served at once by whichever engine is used, before that engine's own setting."),
        SettingDefinition(
            .engineLoadLimit, .number(1...3_600), fallback: "120",
            help: "Seconds that an engine may take to load a model, beside the time to read the prompt."),
        SettingDefinition(
            .ollamaBaseURL, .address, fallback: "http://127.0.0.1:11434", seedName: "OLLAMA_BASE_URL",
            help: "Where Ollama listens."),
        SettingDefinition(
            .ollamaModel, .modelName, note: "the first that Ollama lists", seedName: "OLLAMA_MODEL",
            help: "Ollama's model for requests that name none."),
        SettingDefinition(
            .openAIBaseURL, .address, fallback: "https://api.openai.com/v1", seedName: "OPENAI_BASE_URL",
            help: "An OpenAI-compatible server, up to and including `/v1`."),
        SettingDefinition(
            .openAIKey, .token(minimumLength: 1), seedName: "OPENAI_API_KEY", isSecret: true,
            help: "The key for that server, or where it is in Vault (`docs/vault.md`); local ones mostly need none."),
        SettingDefinition(
            .openAIModel, .modelName, seedName: "OPENAI_MODEL",
            help: "That server's model for requests that name none."),
        SettingDefinition(
            .openAISlots, .integer(1...1_024), fallback: "16",
            help: "Requests sent to that server at once."),
        SettingDefinition(
            .anthropicBaseURL, .address, fallback: "https://api.anthropic.com",
            help: "Where Anthropic's API is."),
        SettingDefinition(
            .anthropicKey, .token(minimumLength: 1), seedName: "ANTHROPIC_API_KEY", isSecret: true,
            help: "The key for Anthropic's API, or where it is in Vault (`docs/vault.md`)."),
        SettingDefinition(
            .anthropicModel, .modelName, seedName: "ANTHROPIC_MODEL",
            help: "Anthropic's model for requests that name none."),
        SettingDefinition(
            .llamaServerExecutable, .path, note: "`llama-server` on `PATH`",
            help: "The program to run as llama.cpp's server."),
        SettingDefinition(
            .llamaServerModel, .path,
            help: "A GGUF file for `llama-server`; without one it is not used."),
        SettingDefinition(
            .embeddedModel, .path, note: "the installed model",
            help: "A GGUF file for the embedded engine."),
        SettingDefinition(
            .embeddedContextLength, .integer(256...1_048_576), fallback: "4096",
            help: "Tokens of context of each of the embedded engine's slots."),
        SettingDefinition(
            .embeddedSlots, .integer(1...64), fallback: "4",
            help: "Requests that the embedded engine serves at once."),
        SettingDefinition(
            .embeddedThreads, .integer(1...1_024), note: "left to llama.cpp",
            help: "Threads of the embedded engine."),
        SettingDefinition(
            .testTokensPerSecond, .number(0.001...1_000_000), note: "as fast as can be", flag: "--tokens-per-second",
            help: "Speed of the engines `echo` and `count`."),
        SettingDefinition(
            .testFirstTokenDelay, .number(0...3_600), fallback: "0", flag: "--first-token-delay",
            help: "Seconds before the first token of `echo` and `count`."),
        SettingDefinition(
            .testSlots, .integer(1...1_024), fallback: "4",
            help: "Requests that `echo` and `count` serve at once."),
        SettingDefinition(
            .testEmbeddingDimensions, .integer(0...4_096), fallback: "8",
            help: "Components of the embeddings of `echo` and `count`; 0 offers none."),
    ]

    static let client: [SettingDefinition] = [
        SettingDefinition(
            .nodeURL, .address, fallback: "http://127.0.0.1:8080", flag: "--url", reach: .environment,
            help: "The node that commands speak to, in place of the one that runs on the data folder."),
        SettingDefinition(
            .nodeKey, .token(minimumLength: 1), isSecret: true, reach: .environment,
            help: "The key that commands show that node; `kith key create` on its machine makes one."),
        SettingDefinition(
            .nodeFingerprint, .fingerprint, reach: .environment,
            help: "The certificate that an `https` node must show, as `kith id` prints it there; "
                + "without it, one that the system's roots vouch for."),
    ]
}
