// SPDX-License-Identifier: Apache-2.0

/// The name under which an engine offers a model, such as `llama3.2:3b` or `smollm2-135m-instruct`.
package struct ModelID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: String

    package init(_ rawValue: String) { self.rawValue = rawValue }

    package var description: String { rawValue }

    package static func < (left: ModelID, right: ModelID) -> Bool { left.rawValue < right.rawValue }
}

extension ModelID: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self.init(value) }
}

extension ModelID: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// What an engine says about one of its models.
package struct ModelInfo: Hashable, Sendable {
    package var id: ModelID
    /// Tokens that prompt and answer may have together; `nil` when unknown.
    package var contextLength: Int?
    package var embeds: Bool
    /// Whether it answers prompts; not a model that only embeds.
    package var chats: Bool
    /// Whether its engine sends prompts on to a provider: it is never chosen unless somebody names it.
    package var runsElsewhere: Bool
    /// Whether its engine itself is at a provider, so that a prompt may cost money.
    package var isAtProvider: Bool
    /// Whether the owner named it for requests that name none.
    package var isPreferred: Bool
    /// What the model can do, in the engine's words; `nil` if the engine does not say.
    package var capabilities: [String]?
    /// What tells the same model under another name, as its engine says it: Ollama's digest of all that belongs to it. `nil` where
    /// the engine does not say.
    package private(set) var digest: String?
    /// Of its weights, on the machine that loads them; `nil` where the engine does not say, or is elsewhere.
    package private(set) var bytes: Int?
    /// Unix time in seconds; 0 when unknown.
    package var created: Int
    package var ownedBy: String

    package init(
        id: ModelID, contextLength: Int? = nil, embeds: Bool = false, chats: Bool = true, runsElsewhere: Bool = false,
        isAtProvider: Bool = false, isPreferred: Bool = false, capabilities: [String]? = nil, digest: String? = nil,
        bytes: Int? = nil, created: Int = 0, ownedBy: String = "kith"
    ) {
        self.id = id
        self.contextLength = contextLength
        self.embeds = embeds
        self.chats = chats
        self.runsElsewhere = runsElsewhere
        self.isAtProvider = isAtProvider
        self.isPreferred = isPreferred
        self.capabilities = capabilities
        self.digest = digest.flatMap { Self.digestLengths.contains($0.utf8.count) ? $0 : nil }
        self.bytes = bytes.flatMap { $0 > 0 ? $0 : nil }
        self.created = created
        self.ownedBy = ownedBy
    }

    /// Bytes of a digest: too short a one might be that of several, and none is longer.
    private static let digestLengths = 16...160

    /// Whether it may be chosen for a prompt that names no model: prompts leave the owner's machines, and cost money,
    /// only if the owner says so.
    package var isForAnybody: Bool { chats && (!runsElsewhere || isPreferred) }

    /// Whether a prompt leaves the owner's machines, and may cost money.
    package var mayCost: Bool { runsElsewhere || isAtProvider }
}

extension ModelInfo: Codable {
    private enum CodingKeys: String, CodingKey {
        case id, contextLength, embeds, chats, runsElsewhere, isAtProvider, isPreferred, capabilities, digest
        case bytes, created, ownedBy
    }

    /// A missing field means what it means for an older node.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try container.decode(ModelID.self, forKey: .id),
            contextLength: try container.decodeIfPresent(Int.self, forKey: .contextLength),
            embeds: try container.decode(Bool.self, forKey: .embeds),
            chats: try container.decodeIfPresent(Bool.self, forKey: .chats) ?? true,
            runsElsewhere: try container.decodeIfPresent(Bool.self, forKey: .runsElsewhere) ?? false,
            isAtProvider: try container.decodeIfPresent(Bool.self, forKey: .isAtProvider) ?? false,
            isPreferred: try container.decodeIfPresent(Bool.self, forKey: .isPreferred) ?? false,
            capabilities: try container.decodeIfPresent([String].self, forKey: .capabilities),
            digest: try container.decodeIfPresent(String.self, forKey: .digest),
            bytes: try container.decodeIfPresent(Int.self, forKey: .bytes),
            created: try container.decode(Int.self, forKey: .created),
            ownedBy: try container.decode(String.self, forKey: .ownedBy))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encodeIfPresent(contextLength, forKey: .contextLength)
        try container.encode(embeds, forKey: .embeds)
        if !chats { try container.encode(chats, forKey: .chats) }
        if runsElsewhere { try container.encode(runsElsewhere, forKey: .runsElsewhere) }
        if isAtProvider { try container.encode(isAtProvider, forKey: .isAtProvider) }
        if isPreferred { try container.encode(isPreferred, forKey: .isPreferred) }
        try container.encodeIfPresent(capabilities, forKey: .capabilities)
        try container.encodeIfPresent(digest, forKey: .digest)
        try container.encodeIfPresent(bytes, forKey: .bytes)
        try container.encode(created, forKey: .created)
        try container.encode(ownedBy, forKey: .ownedBy)
    }
}

extension ModelID {
    /// Whether a request for `wanted` means this model: `m` and `m:latest` are the same, as in Ollama.
    package func isMeant(by wanted: ModelID) -> Bool {
        self == wanted || rawValue == wanted.rawValue + ":latest" || wanted.rawValue == rawValue + ":latest"
    }
}
