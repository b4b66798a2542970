// SPDX-License-Identifier: Apache-2.0

/// Which engine a node runs, and what each kind needs to know.
package struct EngineSettings: Sendable {
    package var choice: EngineChoice
    /// For ``EngineChoice/listed``, those preferred first for prompts that name no model.
    package var listed: [ListedEngine]
    /// Before how many of ``listed`` those stand that are found on the machine; `nil` where they are not wanted.
    package var automaticPlace: Int?
    /// Where ``EngineChoice/automatic`` looks for servers that speak OpenAI's API.
    package var servers: [HTTPAddress]
    package var ollama: OllamaSettings
    package var openAI: OpenAISettings
    package var anthropic: AnthropicSettings
    package var llamaServer: LlamaServerSettings
    package var embedded: EmbeddedSettings
    package var test: TestEngineSettings
    /// Programs during which the node leaves prompts to others.
    package var pauseWhile: [String] = []
    /// How long an engine may take to load a model, beside the time to read the prompt.
    package var loadLimit: Duration
    /// Bytes that the models of one engine may take together when another is pulled; `nil` for as many as there are.
    package var diskBudget: Int?
    /// Bytes a second of weights that this node sends to kin while it answers prompts; `nil` for as many as go.
    package var copyLimit: Int?

    package init(
        choice: EngineChoice = .automatic, listed: [ListedEngine] = [], automaticPlace: Int? = nil,
        servers: [HTTPAddress] = [], ollama: OllamaSettings = OllamaSettings(),
        openAI: OpenAISettings = OpenAISettings(), anthropic: AnthropicSettings = AnthropicSettings(),
        llamaServer: LlamaServerSettings = LlamaServerSettings(), embedded: EmbeddedSettings,
        test: TestEngineSettings = TestEngineSettings(), loadLimit: Duration = ChatRequest.ordinaryLoadLimit
    ) {
        self.choice = choice
        self.listed = listed
        self.automaticPlace = automaticPlace
        self.servers = servers
        self.ollama = ollama
        self.openAI = openAI
        self.anthropic = anthropic
        self.llamaServer = llamaServer
        self.embedded = embedded
        self.test = test
        self.loadLimit = loadLimit
    }

    /// Whether engines are looked for on the machine.
    package var looksAround: Bool { choice == .automatic || choice == .listed && automaticPlace != nil }
}

/// What `--engine` says.
package enum EngineChoice: Hashable, Sendable {
    /// All that is there of Ollama, `llama-server` with a model, and other local servers; else the embedded engine if it is
    /// installed.
    case automatic
    case fixed(EngineKind)
    /// Those that the owner listed.
    case listed
    /// No engine here: every prompt goes to kin.
    case none

    /// Why there is no engine where the owner wants none.
    package static let noneWords = "the settings say that this node has no engine"
}

package struct OllamaSettings: Sendable {
    package var address: HTTPAddress
    /// Preferred for requests that name no model; `nil` takes the first that Ollama lists.
    package var model: ModelID?
    /// Requests sent to Ollama at once; it queues those that it cannot run yet (OLLAMA_NUM_PARALLEL).
    package var slots: Int
    /// Tokens of context that a model may be given at most; `nil` leaves it to what each was made for.
    package var contextLength: Int?

    package init(
        address: HTTPAddress = HTTPAddress(host: "127.0.0.1", port: 11_434), model: ModelID? = nil, slots: Int = 4,
        contextLength: Int? = nil
    ) {
        self.address = address
        self.model = model
        self.slots = slots
        self.contextLength = contextLength
    }
}

/// Any server that speaks OpenAI's API: llama.cpp, vLLM, LM Studio, OpenAI itself.
package struct OpenAISettings: Sendable {
    /// Up to and including `/v1`.
    package var address: HTTPAddress
    package var key: SecretSetting?
    package var model: ModelID?
    package var slots: Int

    package init(
        address: HTTPAddress = HTTPAddress(scheme: .https, host: "api.openai.com", port: 443, basePath: "/v1"),
        key: SecretSetting? = nil, model: ModelID? = nil, slots: Int = 16
    ) {
        self.address = address
        self.key = key
        self.model = model
        self.slots = slots
    }
}

package struct AnthropicSettings: Sendable {
    package var address: HTTPAddress
    package var key: SecretSetting?
    package var model: ModelID?
    /// Tokens made at most for a request that gives no limit: the API wants one.
    package var defaultMaxTokens: Int

    package init(
        address: HTTPAddress = HTTPAddress(scheme: .https, host: "api.anthropic.com", port: 443),
        key: SecretSetting? = nil, model: ModelID? = nil, defaultMaxTokens: Int = 2_048
    ) {
        self.address = address
        self.key = key
        self.model = model
        self.defaultMaxTokens = defaultMaxTokens
    }
}

/// A `llama-server` found on the machine, run as a child process with a GGUF file of the owner's.
package struct LlamaServerSettings: Sendable {
    /// `nil` looks for `llama-server` on `PATH`.
    package var executable: String?
    /// Path of a GGUF file; without it `llama-server` is not used.
    package var model: String?

    package init(executable: String? = nil, model: String? = nil) {
        self.executable = executable
        self.model = model
    }
}

/// llama.cpp as `kith engine install` puts it on the machine.
package struct EmbeddedSettings: Sendable {
    /// Holds the virtual environment, the model, the launcher and the engine's log; shared by all nodes of a user.
    package var directory: String
    /// Where this node's engine writes its log.
    package var logFile: String
    /// Path of a GGUF file to use in place of the installed model.
    package var model: String?
    /// Tokens of context for each slot.
    package var contextLength: Int
    package var slots: Int
    /// `nil` leaves it to llama.cpp.
    package var threads: Int?
    /// Where GGUF files lie that came from other machines; `nil` for a node that takes none.
    package var shelf: String?

    package init(
        directory: String, logFile: String, model: String? = nil, contextLength: Int = 4096, slots: Int = 4,
        threads: Int? = nil
    ) {
        self.directory = directory
        self.logFile = logFile
        self.model = model
        self.contextLength = contextLength
        self.slots = slots
        self.threads = threads
    }
}

/// The deterministic engines for tests, demonstrations and benchmarks.
package struct TestEngineSettings: Sendable {
    /// `nil` means as fast as possible.
    package var tokensPerSecond: Double?
    package var firstTokenDelay: Duration
    package var slots: Int
    /// Components of each embedding; 0 offers none.
    package var embeddingDimensions: Int

    package init(
        tokensPerSecond: Double? = nil, firstTokenDelay: Duration = .zero, slots: Int = 4, embeddingDimensions: Int = 8
    ) {
        self.tokensPerSecond = tokensPerSecond
        self.firstTokenDelay = firstTokenDelay
        self.slots = slots
        self.embeddingDimensions = embeddingDimensions
    }
}
