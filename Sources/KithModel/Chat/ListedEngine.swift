// SPDX-License-Identifier: Apache-2.0

/// One entry of `engines` in `kith.yaml`: what a node asks, and on which conditions.
package struct ListedEngine: Hashable, Sendable {
    package var kind: EngineKind
    /// Up to and including `/v1` for servers of OpenAI's API; `nil` for where that kind usually is.
    package var address: HTTPAddress?
    package var key: SecretSetting?
    /// Requests sent to it at once; `nil` for what is usual there.
    package var slots: Int?
    /// Its model for requests that name none; a path of a GGUF file for the embedded engine.
    package var model: String?
    /// The only models of it that may be asked for; empty for all.
    package var models: [ModelPattern]
    /// Tokens of context that it is told to hold at most, or is started with.
    package var contextLength: Int?

    package init(
        kind: EngineKind, address: HTTPAddress? = nil, key: SecretSetting? = nil, slots: Int? = nil,
        model: String? = nil, models: [ModelPattern] = [], contextLength: Int? = nil
    ) {
        self.kind = kind
        self.address = address
        self.key = key
        self.slots = slots
        self.model = model
        self.models = models
        self.contextLength = contextLength
    }
}

extension EngineSettings {
    /// The settings for a node whose only engine is a listed one.
    package func `for`(_ listed: ListedEngine) -> EngineSettings {
        var settings = self
        settings.choice = .fixed(listed.kind)
        let name = listed.model.map { ModelID($0) }
        switch listed.kind {
        case .ollama:
            settings.ollama.address = listed.address ?? ollama.address
            settings.ollama.model = name ?? ollama.model
            settings.ollama.slots = listed.slots ?? ollama.slots
            settings.ollama.contextLength = listed.contextLength ?? ollama.contextLength
        case .openAI:
            settings.openAI.key = listed.key ?? (listed.address.map { $0 == openAI.address } ?? true ? openAI.key : nil)
            settings.openAI.address = listed.address ?? openAI.address
            settings.openAI.model = name ?? openAI.model
            settings.openAI.slots = listed.slots ?? openAI.slots
        case .anthropic:
            settings.anthropic.key =
                listed.key ?? (listed.address.map { $0 == anthropic.address } ?? true ? anthropic.key : nil)
            settings.anthropic.address = listed.address ?? anthropic.address
            settings.anthropic.model = name ?? anthropic.model
        case .embedded:
            settings.embedded.model = listed.model ?? embedded.model
            settings.embedded.slots = listed.slots ?? embedded.slots
            settings.embedded.contextLength = listed.contextLength ?? embedded.contextLength
        case .echo, .count: settings.test.slots = listed.slots ?? test.slots
        }
        return settings
    }
}

extension ListedEngine: CustomStringConvertible {
    package var description: String { kind.rawValue + (address.map { " at \($0)" } ?? "") }
}

/// A model's name, in which `*` stands for any characters; case does not matter.
package struct ModelPattern: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    private let parts: [String]

    package init(_ text: String) {
        description = text
        parts = text.lowercased().split(separator: "*", omittingEmptySubsequences: false).map(String.init)
    }

    package func matches(_ model: ModelID) -> Bool {
        if parts.count == 1 {
            return model.rawValue.lowercased() == parts[0] || model.isMeant(by: ModelID(description))
        }
        var rest = model.rawValue.lowercased()[...]
        guard rest.hasPrefix(parts[0]) else { return false }
        rest = rest.dropFirst(parts[0].count)
        guard rest.hasSuffix(parts[parts.count - 1]) else { return false }
        rest = rest.dropLast(parts[parts.count - 1].count)
        for part in parts[1..<parts.count - 1] where !part.isEmpty {
            guard let place = rest.firstRange(of: part) else { return false }
            rest = rest[place.upperBound...]
        }
        return true
    }
}
