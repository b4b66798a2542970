// SPDX-License-Identifier: Apache-2.0

/// One setting: its names, its possible values, and its effect.
///
/// ``all`` is the only list of settings: reading, the search for misspelt names and `docs/settings.md` follow it.
package struct SettingDefinition: Sendable {
    /// Where a setting may stand in addition to the command line and the environment.
    package enum Reach: Sendable {
        /// Also in `.env` and `kith.yaml`.
        case files
        /// Nowhere else: it says where the files are, or belongs to the commands that ask a node.
        case environment
    }

    package var key: SettingKey
    /// The first is kith's own and overrides the others.
    package var environmentNames: [String]
    package var flag: String?
    package var kind: SettingKind
    package var isSecret: Bool
    package var reach: Reach
    /// The default, in the form in which it could be written; `nil` when there is none.
    package var fallback: String?
    /// What the default is, when it is not a fixed text.
    package var fallbackNote: String?
    package var help: String

    init(
        _ key: SettingKey, _ kind: SettingKind, fallback: String? = nil, note: String? = nil, flag: String? = nil,
        environment: String? = nil, seedName: String? = nil, seedNames: [String] = [], isSecret: Bool = false,
        reach: Reach = .files,
        help: String
    ) {
        let ownName = environment ?? "KITH_" + key.rawValue.uppercased().replacing(".", with: "_")
        self.key = key
        self.environmentNames = [ownName] + (seedName.map { [$0] } ?? []) + seedNames
        self.flag = flag
        self.kind = kind
        self.isSecret = isSecret
        self.reach = reach
        self.fallback = fallback
        self.fallbackNote = note
        self.help = help
    }

    package static let all: [SettingDefinition] =
        node + access + firewall + peers + roles + observation + routing + social + alerts + engine + sleep + client

    static let byKey = Dictionary(all.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })

    static let byEnvironmentName = Dictionary(
        all.flatMap { definition in definition.environmentNames.map { ($0, definition) } },
        uniquingKeysWith: { first, _ in first })
}

/// Names a setting by its path in `kith.yaml`.
package enum SettingKey: String, CaseIterable, Sendable, CustomStringConvertible {
    case dataDirectory = "data_dir"
    case name, host, port, level
    case requireKey = "server.require_key"
    case allowedHosts = "server.allowed_hosts"
    case ollamaPort = "server.ollama_port"
    case allowedOrigins = "server.allowed_origins"
    case trustedProxies = "server.trusted_proxies"
    case serverAllow = "server.allow"
    case serverDeny = "server.deny"
    case peerAllow = "peer.allow"
    case peerDeny = "peer.deny"
    case cellAllow = "cell.allow"
    case cellDeny = "cell.deny"
    case bridgeAllow = "bridge.allow"
    case bridgeDeny = "bridge.deny"
    case discoveryAllow = "discovery.allow"
    case discoveryDeny = "discovery.deny"
    case generateRate = "server.generate_rate"
    case addressRate = "server.address_rate"
    case tlsMode = "tls.mode"
    case tlsCertificate = "tls.certificate"
    case tlsKey = "tls.key"
    case peerHost = "peer.host"
    case peerPort = "peer.port"
    case peerLAN = "peer.lan"
    case peerMDNS = "peer.mdns"
    case roles
    case discoveryPort = "discovery.port"
    case registries = "discovery.registries"
    case cellPort = "cell.port"
    case cellID = "cell.id"
    case cellBranch = "cell.branch"
    case bridgePort = "bridge.port"
    case bridgeUpstreams = "bridge.upstreams"
    case vaultAddress = "vault.address"
    case vaultToken = "vault.token"
    case vaultRoleID = "vault.role_id"
    case vaultSecretID = "vault.secret_id"
    case vaultCertificate = "vault.ca_certificate"
    case routingContinue = "routing.continue"
    case routingStandby = "routing.standby"
    case routingStallLimit = "routing.stall_limit"
    case routingToolStallLimit = "routing.tool_stall_limit"
    case routingHeartbeat = "routing.heartbeat"
    case routingPatience = "routing.patience"
    case routingAffinity = "routing.affinity"
    case routingSpareBattery = "routing.spare_battery"
    case routingLoadAhead = "routing.load_ahead"
    case peersFile = "peers.file"
    case peerEndpoints = "peers.endpoints"
    case logLevel = "log.level"
    case metrics = "metrics.enabled"
    case logFormat = "log.format"
    case logFile = "log.file"
    case auditFile = "audit.file"
    case auditSyslog = "audit.syslog"
    case tracingSample = "tracing.sample"
    case tracingPerSecond = "tracing.per_second"
    case otlpEndpoint = "tracing.otlp_endpoint"
    case otlpHeaders = "tracing.otlp_headers"
    case socialCompanion = "social.companion"
    case socialIdleThreshold = "social.idle_threshold_min"
    case socialPeerChoice = "social.peer_choice"
    case socialExchanges = "social.exchanges_per_day"
    case socialTokens = "social.tokens_per_day"
    case socialOnBattery = "social.on_battery"
    case socialPaidEngines = "social.paid_engines"
    case socialPeerQuestions = "social.peer_questions_per_hour"
    case socialPeerTokens = "social.peer_tokens_per_day"
    case cultureOffer = "culture.offer"
    case alertsCommand = "alerts.command"
    case alertsWebhooks = "alerts.webhooks"
    case alertsWebhookSecret = "alerts.webhook_secret"
    case alertsThresholds = "alerts.thresholds"
    case alertsFor = "alerts.for"
    case alertsOff = "alerts.off"
    case alertsKeep = "alerts.keep"
    case alertsInterval = "alerts.interval"
    case requestBodyLimit = "limits.request_body"
    case seedBodyLimit = "limits.seed_body"
    case uploadBodyLimit = "limits.upload_body"
    case defaultMaxTokens = "limits.default_max_tokens"
    case routingAliases = "routing.aliases"
    case engines
    case engineKind = "engine.kind"
    case enginePauseWhile = "engine.pause_while"
    case engineDirectory = "engine.dir"
    case engineModel = "engine.model"
    case engineSlots = "engine.slots"
    case engineServers = "engine.servers"
    case engineLoadLimit = "engine.load_limit"
    case engineDiskBudget = "engine.disk_budget"
    case engineCopyLimit = "engine.copy_limit"
    case ollamaBaseURL = "engine.ollama.base_url"
    case ollamaModel = "engine.ollama.model"
    case ollamaContextLength = "engine.ollama.context_length"
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
    case wakeByPrompts = "wake.by_prompts"
    case wakeLimit = "wake.limit"
    case sleepWhenIdle = "sleep.when_idle"
    case sleepCommand = "sleep.command"
    case nodeURL = "url"
    case nodeKey = "key"
    case nodeFingerprint = "fingerprint"

    package var description: String { rawValue }
}
