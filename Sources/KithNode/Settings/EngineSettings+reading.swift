// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel

extension EngineSettings {
    init(_ values: SettingValues, sources: SettingSources) throws(SettingError) {
        var choice = try values.engineChoice()
        let list = try values.engineList()
        if choice == .automatic, list != nil { choice = .listed }
        let model = try values.sharedModel(for: choice, in: sources)
        let slots = values.integer(.engineSlots)
        self.init(
            choice: choice, listed: list?.engines ?? [], automaticPlace: list?.automaticPlace,
            servers: values.localServers,
            ollama: OllamaSettings(
                address: try values.ollamaAddress, model: model.name ?? values.model(.ollamaModel),
                slots: slots ?? OllamaSettings().slots, contextLength: values.integer(.ollamaContextLength)),
            openAI: try values.openAI(choice, model: model.name, slots: slots),
            anthropic: try values.anthropic(choice, model: model.name),
            llamaServer: LlamaServerSettings(
                executable: values.executable(.llamaServerExecutable, in: sources),
                model: model.file ?? values.path(.llamaServerModel, in: sources)),
            embedded: try values.embedded(model: model.file, slots: slots, sources: sources),
            test: try values.test(slots: slots),
            loadLimit: .seconds(try values.required(.engineLoadLimit, values.number(.engineLoadLimit))))
        diskBudget = values.integer(.engineDiskBudget)
        copyLimit = values.integer(.engineCopyLimit)
        pauseWhile = values.text(.enginePauseWhile).map(SettingKind.entries) ?? []
    }
}

extension SettingValues {
    /// A node is no engine of its own.
    private func isOwn(_ address: HTTPAddress) -> Bool {
        address.isOnLoopback && (address.port == integer(.port) || address.port == integer(.ollamaPort))
    }

    /// OLLAMA_HOST also tells Ollama's clients where this node is; then Ollama itself is where it usually is.
    fileprivate var ollamaAddress: HTTPAddress {
        get throws(SettingError) {
            let address = try address(.ollamaBaseURL)
            return isOwn(address) ? OllamaSettings().address : address
        }
    }

    fileprivate var localServers: [HTTPAddress] {
        addresses(.engineServers).filter { !isOwn($0) }.map { address in
            var address = address
            if address.basePath.isEmpty || address.basePath == "/" { address.basePath = "/v1" }
            return address
        }
    }

    fileprivate func engineChoice() throws(SettingError) -> EngineChoice {
        let text = try required(.engineKind, text(.engineKind))
        if text == "auto" { return .automatic }
        if text == "none" { return .none }
        return .fixed(try required(.engineKind, EngineKind(rawValue: text)))
    }

    fileprivate func engineList() throws(SettingError) -> EngineList? {
        guard let text = text(.engines) else { return nil }
        let list: EngineList
        do throws(EngineList.Fault) { list = try EngineList(text) } catch { throw refusal(.engines, error.words) }
        for (place, engine) in list.engines.enumerated() {
            if let address = engine.address, isOwn(address) {
                throw refusal(.engines, "engine \(place + 1): at \(address) is this node itself")
            }
            if engine.kind == .anthropic, engine.key == nil, !isSet(.anthropicKey) {
                throw refusal(.engines, "engine \(place + 1): Anthropic needs a key")
            }
            if engine.kind == .openAI, engine.key == nil, engine.address == nil, !isSet(.openAIKey),
                !isSet(.openAIBaseURL)
            {
                throw refusal(.engines, "engine \(place + 1): it needs an address, or a key for OpenAI's own")
            }
            if case .vault(let reference) = engine.key, let missing = missingForVault {
                throw refusal(.engines, "\(reference) cannot be read: \(missing)")
            }
        }
        return list
    }

    fileprivate func address(_ key: SettingKey) throws(SettingError) -> HTTPAddress {
        try required(key, text(key).flatMap(HTTPAddress.init))
    }

    /// `engine.model` is a file for llama.cpp, and a name for the others.
    fileprivate func sharedModel(
        for choice: EngineChoice, in sources: SettingSources
    ) throws(SettingError) -> (name: ModelID?, file: String?) {
        guard let text = text(.engineModel) else { return (nil, nil) }
        if text.lowercased().hasSuffix(".gguf") { return (nil, path(.engineModel, in: sources)) }
        if choice == .fixed(.embedded) {
            throw refusal(.engineModel, "the embedded engine's model is a path that ends in .gguf")
        }
        return (ModelID(text), nil)
    }

    /// A bare name is looked for on `PATH`, so only a text with a slash is a path.
    fileprivate func executable(_ key: SettingKey, in sources: SettingSources) -> String? {
        guard let text = text(key) else { return nil }
        return text.contains("/") ? path(key, in: sources) : text
    }

    fileprivate func openAI(
        _ choice: EngineChoice, model: ModelID?, slots: Int?
    ) throws(SettingError) -> OpenAISettings {
        let key = try secretSetting(.openAIKey)
        if choice == .fixed(.openAI), key == nil, !isSet(.openAIBaseURL) {
            throw refusal(
                .engineKind, "OpenAI needs OPENAI_API_KEY, or OPENAI_BASE_URL for a server that needs no key")
        }
        return OpenAISettings(
            address: try address(.openAIBaseURL), key: key, model: model ?? self.model(.openAIModel),
            slots: try required(.openAISlots, slots ?? integer(.openAISlots)))
    }

    fileprivate func anthropic(_ choice: EngineChoice, model: ModelID?) throws(SettingError) -> AnthropicSettings {
        let key = try secretSetting(.anthropicKey)
        if choice == .fixed(.anthropic), key == nil {
            throw refusal(.engineKind, "Anthropic needs ANTHROPIC_API_KEY")
        }
        return AnthropicSettings(
            address: try address(.anthropicBaseURL), key: key, model: model ?? self.model(.anthropicModel),
            defaultMaxTokens: try required(.defaultMaxTokens, integer(.defaultMaxTokens)))
    }

    fileprivate func embedded(
        model: String?, slots: Int?, sources: SettingSources
    ) throws(SettingError) -> EmbeddedSettings {
        var settings = EmbeddedSettings(
            directory: path(.engineDirectory, in: sources)
                ?? sources.surroundings.engineDirectory(environment: sources.environment),
            logFile: sources.dataDirectory + "/state/engine/engine.log",
            model: model ?? path(.embeddedModel, in: sources),
            contextLength: try required(.embeddedContextLength, integer(.embeddedContextLength)),
            slots: try required(.embeddedSlots, slots ?? integer(.embeddedSlots)),
            threads: integer(.embeddedThreads))
        settings.shelf = sources.dataDirectory + "/models"
        return settings
    }

    fileprivate func test(slots: Int?) throws(SettingError) -> TestEngineSettings {
        TestEngineSettings(
            tokensPerSecond: number(.testTokensPerSecond),
            firstTokenDelay: .seconds(try required(.testFirstTokenDelay, number(.testFirstTokenDelay))),
            slots: try required(.testSlots, slots ?? integer(.testSlots)),
            embeddingDimensions: try required(.testEmbeddingDimensions, integer(.testEmbeddingDimensions)))
    }
}
