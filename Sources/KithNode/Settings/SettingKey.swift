// SPDX-License-Identifier: Apache-2.0

/// Names a setting by its path in `kith.yaml`.
package enum SettingKey: String, CaseIterable, Sendable, CustomStringConvertible {
    case dataDirectory = "data_dir"
    case name, host, port, level
    case peerPort = "peers.port"
    case meshKey = "mesh.key"
    case peersFile = "peers.file"
    case peerEndpoints = "peers.endpoints"
    case logLevel = "log.level"
    case socialIdleThreshold = "social.idle_threshold_min"
    case requestBodyLimit = "limits.request_body"
    case seedBodyLimit = "limits.seed_body"
    case defaultMaxTokens = "limits.default_max_tokens"
    case engineKind = "engine.kind"
    case engineDirectory = "engine.dir"
    case engineModel = "engine.model"
    case engineSlots = "engine.slots"
    case ollamaBaseURL = "engine.ollama.base_url"
    case ollamaModel = "engine.ollama.model"
    case openAIBaseURL = "engine.openai.base_url"
    case openAIKey = "engine.openai.api_key"
    case openAIModel = "engine.openai.model"
    case openAISlots = "engine.openai.slots"
    case anthropicBaseURL = "engine.anthropic.base_url"
    case anthropicKey = "engine.anthropic.api_key"
    case anthropicModel = "engine.anthropic.model"
    case llamaServerExecutable = "engine.llama_server.executable"
    case llamaServerModel = "engine.llama_server.model"
    case embeddedModel = "engine.embedded.model"
    case embeddedContextLength = "engine.embedded.context_length"
    case embeddedSlots = "engine.embedded.slots"
    case embeddedThreads = "engine.embedded.threads"
    case testTokensPerSecond = "engine.test.tokens_per_second"
    case testFirstTokenDelay = "engine.test.first_token_delay"
    case testSlots = "engine.test.slots"
    case testEmbeddingDimensions = "engine.test.embedding_dimensions"
    case nodeURL = "url"
    case nodeKey = "key"
    case nodeFingerprint = "fingerprint"

    package var description: String { rawValue }
}
