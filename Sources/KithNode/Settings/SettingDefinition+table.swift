// SPDX-License-Identifier: Apache-2.0

import KithAlerts
import KithCulture

extension SettingDefinition {
    static let node: [SettingDefinition] = [
        SettingDefinition(
            .dataDirectory, .path, note: "the current folder if it is a node's, else `~/.kith`",
            flag: "--data-dir", reach: .environment,
            help: "The node's folder: `config/`, `.env` and `state/`."),
        SettingDefinition(
            .name, .nodeName, note: "the machine's short name; on another port than 8080 with `-` and the port",
            flag: "--name",
            help: "What the node is called in routes, status and logs."),
        SettingDefinition(
            .host, .host, fallback: "127.0.0.1", flag: "--host",
            help: "The address to listen on. One that other machines can reach needs TLS and a key."),
        SettingDefinition(
            .port, .integer(0...65_535), fallback: "8080", flag: "--port", seedName: "PORT",
            help: "The port to listen on; 0 takes a free one."),
        SettingDefinition(
            .ollamaPort, .integer(0...65_535), flag: "--ollama-port", environment: "KITH_OLLAMA_PORT",
            help:
                "A second port for clients, with the same routes: on 11434, Ollama's own, programs made for Ollama find the "
                + "models of all machines. The flag alone stands for 11434; 0 takes a free one."),
        SettingDefinition(
            .roles, .choices(NodeRole.allCases.map(\.rawValue)), fallback: "node", flag: "--role",
            help: "The listeners that the node opens: `node` for clients, `cell` and `bridge` as AIOS has them, and "
                + "`discovery`, a registry for AIOS cells."),
        SettingDefinition(
            .level, .number(0...10), fallback: "1", flag: "--level",
            help: "The node's declared level: the weight of its capacity when kin choose among nodes."),
        SettingDefinition(
            .metrics, .boolean, fallback: "on", environment: "KITH_METRICS",
            help:
                "Whether requests, answers and routes are counted for monitors. Without it `/metrics` tells only how the node "
                + "is."),
        SettingDefinition(
            .requestBodyLimit, .byteCount(1_024...67_108_864), fallback: "4MiB",
            help: "The largest request body."),
        SettingDefinition(
            .seedBodyLimit, .byteCount(1_024...67_108_864), fallback: "1MiB",
            help: "The largest request body of the seeds' routes, `/api/…`."),
        SettingDefinition(
            .uploadBodyLimit, .byteCount(1_024...268_435_456), fallback: "32MiB",
            help: "The largest request body of the routes for sound, pictures and ranking."),
        SettingDefinition(
            .defaultMaxTokens, .integer(1...1_000_000), fallback: "2048",
            help: "Tokens made at most for a request that does not say how many, where the engine has to be told "
                + "(Anthropic's), and what such a request counts as against a key's tokens while it runs."),
    ]

    static let engine: [SettingDefinition] = [
        SettingDefinition(
            .engines, .engines, isSecret: true,
            help:
                "Several engines: a list of kinds, or of `kind` with `address`, `key`, `slots`, `model` (for requests that name "
                + "none), `models` (the only ones, `*` for any characters) and `context_length`; `auto` stands for all local ones. "
                + "Ignored where `engine.kind` names one. In the environment as JSON. See `docs/routing.md`."),
        SettingDefinition(
            .engineKind,
            .choice(["auto", "ollama", "openai", "anthropic", "embedded", "echo", "count", "none"]),
            fallback: "auto", flag: "--engine", environment: "KITH_ENGINE",
            help:
                "What generates tokens here. `auto` takes all that is here of Ollama, `llama-server` with a model, and "
                + "the servers of `engine.servers`, else the embedded engine; never a cloud provider. `echo` and `count` are for tests."
        ),
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
            .engineServers, .addressList,
            fallback: "http://127.0.0.1:1234, http://127.0.0.1:8000, http://127.0.0.1:1337, http://127.0.0.1:8080",
            help:
                "Where `auto` looks for servers that speak OpenAI's API, beside Ollama: as it stands at the usual ports of LM "
                + "Studio, vLLM, Jan, and llama.cpp, LocalAI and MLX."),
        SettingDefinition(
            .enginePauseWhile, .programs,
            help:
                "Programs, such as a game, during which this machine leaves new prompts to your others, by the names of their "
                + "files. `kith pause` does so by hand."),
        SettingDefinition(
            .engineLoadLimit, .number(1...3_600), fallback: "120",
            help: "Seconds that an engine may take to load a model, beside the time to read the prompt."),
        SettingDefinition(
            .engineDiskBudget, .byteCount((1 << 20)...(1 << 44)), note: "as much as the disk has",
            help: "What the models of one engine may take together, such as 200GiB: a pull beyond it is refused."),
        SettingDefinition(
            .engineCopyLimit, .byteCount((64 << 10)...(1 << 40)), fallback: "8MiB",
            help: "Of weights, what this machine sends your others in a second while it answers prompts."),
        SettingDefinition(
            .ollamaBaseURL, .ollamaAddress, fallback: "http://127.0.0.1:11434",
            seedNames: ["OLLAMA_BASE_URL", "OLLAMA_HOST"],
            help: "Where Ollama listens; as Ollama's own programs take it, without a scheme or a port too."),
        SettingDefinition(
            .ollamaModel, .modelName, note: "the first that Ollama lists", seedName: "OLLAMA_MODEL",
            help: "Ollama's model for requests that name none."),
        SettingDefinition(
            .ollamaContextLength, .integer(256...16_777_216), note: "what each model was made for",
            help: "Tokens of context that Ollama is told to hold at most, where memory is short."),
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

extension SettingDefinition {
    /// Which clients are admitted, and how connections are encrypted.
    static let access: [SettingDefinition] = [
        SettingDefinition(
            .requireKey, .boolean, fallback: "off", flag: "--require-key", environment: "KITH_REQUIRE_KEY",
            help: "Whether programs on this machine need a key too. Others always do."),
        SettingDefinition(
            .allowedHosts, .hostList, flag: "--allowed-hosts", environment: "KITH_ALLOWED_HOSTS",
            help: "More names under which programs on this machine reach the node without a key, such as those of "
                + "`/etc/hosts`; `localhost` and loopback addresses always are."),
        SettingDefinition(
            .allowedOrigins, .originList, flag: "--allowed-origins", environment: "KITH_ALLOWED_ORIGINS",
            help: "Web pages that may use the node's port from a browser, by their origins, such as "
                + "`http://localhost:3000`: on this machine without a key, as its programs do. `*` lets pages of every "
                + "origin in that show a key."),
        SettingDefinition(
            .generateRate, .requestRate, fallback: "60/min",
            help:
                "How often `/api/generate` may be asked with one key that has no rate of its own, and from one address "
                + "of another machine; `off` for no limit. Programs on this machine without a key are not limited."),
        SettingDefinition(
            .addressRate, .requestRate, fallback: "off",
            help: "How often one address of another machine may ask for anything, with a key or without; of IPv6 "
                + "addresses, the first 64 bits count."),
        SettingDefinition(
            .tlsMode, .choice(["off", "own"]), note: "`off`, or the files where they are set", flag: "--tls",
            environment: "KITH_TLS",
            help: "`own` speaks TLS with the node's own certificate, whose fingerprint is shown at the start. "
                + "The flag has no value and stands for `own`."),
        SettingDefinition(
            .tlsCertificate, .path, flag: "--tls-cert", environment: "KITH_TLS_CERT",
            help: "A PEM file with the certificate that clients are shown, and those that lead to its issuer. "
                + "Read again when it changes."),
        SettingDefinition(
            .tlsKey, .path, flag: "--tls-key", environment: "KITH_TLS_KEY",
            help: "A PEM file with that certificate's private key."),
    ]

    /// How nodes find and reach each other.
    static let peers: [SettingDefinition] = [
        SettingDefinition(
            .peerPort, .integer(0...65_535), fallback: "7443", flag: "--peer-port",
            help: "The port on which other nodes reach this one; 0 takes a free one."),
        SettingDefinition(
            .peerHost, .host, note: "`127.0.0.1`, or every address with `peer.lan`", flag: "--peer-host",
            help: "The address on which other nodes reach this one. Whoever has not been paired reaches nothing but "
                + "the pairing there."),
        SettingDefinition(
            .peerLAN, .boolean, fallback: "off", flag: "--lan", environment: "KITH_LAN",
            help: "Whether other machines can reach the peer port, and are told that the node is there."),
        SettingDefinition(
            .peerMDNS, .boolean, note: "as `peer.lan`", flag: "--mdns", environment: "KITH_MDNS",
            help: "Whether the node announces itself with mDNS on the networks it is in, and looks for others."),
        SettingDefinition(
            .peersFile, .path, fallback: "config/peers.txt",
            help:
                "The list of peers, one a line: `kith://host:port` for a node, `http://host:port` for a seed-style service."
        ),
        SettingDefinition(
            .peerEndpoints, .list, flag: "--peer", seedName: "PEER_ENDPOINTS", isSecret: true,
            help: "More peers, separated by commas, each of the form of a line of the peers file."),
        SettingDefinition(
            .discoveryPort, .integer(0...65_535), fallback: "8001", flag: "--discovery-port",
            seedName: "DISCOVERY_PORT",
            help: "The port of the role `discovery`; 0 takes a free one."),
        SettingDefinition(
            .registries, .addressList, flag: "--registry", environment: "KITH_REGISTRIES",
            seedName: "AIOS_DISCOVERY_ADDR",
            help: "Registries at which the node announces itself and looks for others, separated by commas."),
    ]

    /// The roles that AIOS services have, and its vault.
    static let roles: [SettingDefinition] = [
        SettingDefinition(
            .cellPort, .integer(0...65_535), fallback: "8000", flag: "--cell-port",
            help: "The port of the role `cell`; 0 takes a free one. "
                + "Where that is the only role, `PORT` stands for it too."),
        SettingDefinition(
            .cellID, .nodeName, note: "the node's name", flag: "--cell-id", seedNames: ["AIOS_CELL_ID", "CELL_ID"],
            help: "What the cell is called in its answers, and in those of the role `discovery`."),
        SettingDefinition(
            .cellBranch, .modelName, fallback: "main", seedName: "AIOS_BRANCH",
            help: "The branch that the cell says it works on."),
        SettingDefinition(
            .bridgePort, .integer(0...65_535), fallback: "3001", flag: "--bridge-port", seedName: "BRIDGE_PORT",
            help: "The port of the role `bridge`; 0 takes a free one."),
        SettingDefinition(
            .bridgeUpstreams, .addressList, note: "the cells of kin", flag: "--upstream",
            environment: "KITH_BRIDGE_UPSTREAMS", seedNames: ["AIOS_DESKTOP_CELL", "AIOS_CELL_ADDR"],
            help: "Cells for which the bridge stands, beside those of kin, separated by commas."),
        SettingDefinition(
            .vaultAddress, .addressList, flag: "--vault", seedNames: ["AIOS_VAULT_ADDR", "VAULT_ADDR"],
            help: "HashiCorp Vault: the bridge tells its status, and secret settings may stand there as "
                + "`vault:secret/data/kith#openai_key`. Of several, separated by commas, secrets are read from the "
                + "first only."),
        SettingDefinition(
            .vaultToken, .token(minimumLength: 1), seedName: "VAULT_TOKEN", isSecret: true,
            help: "The token for Vault."),
        SettingDefinition(
            .vaultRoleID, .token(minimumLength: 1), seedName: "VAULT_ROLE_ID",
            help: "Who this node is to Vault's AppRole method, in place of a token."),
        SettingDefinition(
            .vaultSecretID, .token(minimumLength: 1), seedName: "VAULT_SECRET_ID", isSecret: true,
            help: "What proves it."),
        SettingDefinition(
            .vaultCertificate, .path, seedName: "VAULT_CACERT",
            help: "A PEM file with the certificate that Vault's is vouched for by, where the system's roots do not."),
    ]
}

extension SettingDefinition {
    /// What needs attention, and how people are told; see docs/alerts.md.
    static let alerts: [SettingDefinition] = [
        SettingDefinition(
            .alertsCommand, .words,
            help: "A program that is run for every message about an alert, without a shell, with the alert in its "
                + "environment: for a notification on the desktop. In `kith.yaml` a list of words."),
        SettingDefinition(
            .alertsWebhooks, .webhooks, isSecret: true,
            help: "Where every message about an alert is sent as JSON. In `kith.yaml` a list."),
        SettingDefinition(
            .alertsWebhookSecret, .token(minimumLength: 16), isSecret: true,
            help:
                "What those messages are signed with (HMAC-SHA256, in the header `webhook-signature`); or where it stands "
                + "in Vault."),
        SettingDefinition(
            .alertsThresholds, .alertNumbers, note: "see docs/alerts.md",
            help: "Other thresholds for some alerts, in seconds, bytes or parts of one."),
        SettingDefinition(
            .alertsFor, .alertNumbers, note: "see docs/alerts.md",
            help: "Seconds for which some conditions must hold before they are alerts."),
        SettingDefinition(
            .alertsOff, .choices(AlertCondition.allCases.map(\.rawValue)),
            help: "Conditions that this node does not judge."),
        SettingDefinition(
            .alertsKeep, .number(0...86_400), fallback: "60",
            help:
                "Seconds that an alert goes on after its condition was true last, so that one that comes and goes is one."
        ),
        SettingDefinition(
            .alertsInterval, .number(0.1...60), fallback: "5", help: "Seconds between two judgements of the node."),
    ]
}

extension SettingDefinition {
    /// How a node keeps company with peers.
    static let social: [SettingDefinition] = [
        SettingDefinition(
            .socialCompanion, .boolean, fallback: "on",
            help:
                "While nobody asks anything, the node talks with a peer about something abstract now and then. Off, it "
                + "still answers peers that talk to it."),
        SettingDefinition(
            .socialIdleThreshold, .number(0.01...10_080), fallback: "8", seedName: "SOCIAL_IDLE_THRESHOLD_MIN",
            help: "Minutes without a user's request after which the node looks for company; fractions are allowed."),
        SettingDefinition(
            .socialPeerChoice, .choice(PeerChoice.allCases.map(\.rawValue)), fallback: "thompson",
            help:
                "How a peer is chosen: `random`, `round-robin`, `weighted` by reputation, or `thompson`, which finds out "
                + "who is good company and mostly talks to them."),
        SettingDefinition(
            .socialExchanges, .integer(0...100_000), fallback: "48",
            help: "Conversations that the node begins in a day, at most."),
        SettingDefinition(
            .socialTokens, .integer(0...1_000_000_000), fallback: "50000",
            help: "Tokens that conversations it begins may cost its engines in a day, read and made."),
        SettingDefinition(
            .socialOnBattery, .boolean, fallback: "off",
            help: "Whether it begins conversations while this machine runs on its battery."),
        SettingDefinition(
            .socialPaidEngines, .boolean, fallback: "off",
            help: "Whether an engine at a provider, which may cost money, words what it says."),
        SettingDefinition(
            .socialPeerQuestions, .integer(0...100_000), fallback: "30",
            help: "Questions that one peer may ask of the node in an hour."),
        SettingDefinition(
            .socialPeerTokens, .integer(0...1_000_000_000), fallback: "50000",
            help: "Tokens that answering peers may cost its engines in a day, for all of them together."),
        SettingDefinition(
            .cultureOffer, .boolean, fallback: "on",
            help:
                "The few insights that have to do with a message on `/api/chat` go to the engine with it; a request that "
                + "says `\"culture\": false` gets none."),
    ]
}
