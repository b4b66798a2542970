// SPDX-License-Identifier: Apache-2.0

/// A request for tokens, independent of the dialect in which it came.
package struct ChatRequest: Sendable, Codable {
    package enum Kind: String, Sendable, Codable {
        /// Messages in, the assistant's next message out.
        case chat
        /// One prompt in, its continuation out, without a chat template; the prompt is the only message's text.
        case completion
    }

    package var id: RequestID
    package var kind: Kind
    /// `nil` stands for `auto`: whatever model the best node offers.
    package var model: ModelID?
    package var messages: [ChatMessage]
    package var sampling: SamplingOptions
    /// Passed through to engines that understand OpenAI's `tools`, `tool_choice`, `response_format` and the like.
    package var extensions: [String: JSONValue]
    /// Whether the client wants the answer as it is made.
    package var streams: Bool
    /// The client's own bytes, when an engine of the same dialect may be given them unchanged.
    package var verbatim: VerbatimBody?
    /// How long an engine may take until it says something. Set by whoever runs the engine, who knows how long it takes.
    package var firstTokenLimit: Duration = ChatRequest.unknownFirstTokenLimit
    /// How long may pass between two tokens.
    package var stallLimit: Duration = ChatRequest.ordinaryStallLimit
    /// When the one who asked gives up. Of this process's clock; a kin is told the time that is left.
    package var deadline: Moment?
    /// What the client has of the answer already, when another engine had begun it.
    package var begun: BegunAnswer?
    /// Whether another engine may go on with the answer when the first breaks off.
    package var mayContinue = true
    /// `nil` for what a user asks.
    package var occasion: Occasion?

    /// What a request is for that nobody waits for.
    package enum Occasion: String, Sendable, Codable {
        /// A conversation of idle nodes, which gives way to any user.
        case company
    }

    /// For engines that have not been measured yet: a large model may have to be loaded first.
    package static let unknownFirstTokenLimit = Duration.seconds(120)
    package static let ordinaryStallLimit = Duration.seconds(30)
    /// For an answer that comes in one piece: nothing can be seen of it before it is whole.
    package static let wholeAnswerLimit = Duration.seconds(600)

    private enum CodingKeys: String, CodingKey {
        case id, kind, model, messages, sampling, extensions, streams, verbatim, begun, occasion
    }

    package init(
        id: RequestID = .random(), kind: Kind = .chat, model: ModelID? = nil, messages: [ChatMessage],
        sampling: SamplingOptions = SamplingOptions(), extensions: [String: JSONValue] = [:], streams: Bool = true,
        verbatim: VerbatimBody? = nil
    ) {
        self.id = id
        self.kind = kind
        self.model = model
        self.messages = messages
        self.sampling = sampling
        self.extensions = extensions
        self.streams = streams
        self.verbatim = verbatim
    }

    /// A rough count of the prompt's tokens: four bytes of UTF-8 each, and four tokens a message for the template.
    ///
    /// Only for choosing between nodes; engines count for themselves.
    package var estimatedPromptTokens: Int {
        messages.reduce(0) { $0 + $1.content.text.utf8.count / 4 + 4 }
    }
}

extension RequestID: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(rawValue: try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// How tokens are chosen; `nil` leaves the engine's own default.
package struct SamplingOptions: Hashable, Sendable, Codable {
    /// At most this many tokens are made.
    package var maxTokens: Int?
    /// 0…2.
    package var temperature: Double?
    /// 0…1.
    package var topP: Double?
    package var seed: Int64?
    package var stop: [String]
    package var frequencyPenalty: Double?
    package var presencePenalty: Double?

    package init(
        maxTokens: Int? = nil, temperature: Double? = nil, topP: Double? = nil, seed: Int64? = nil, stop: [String] = [],
        frequencyPenalty: Double? = nil, presencePenalty: Double? = nil
    ) {
        self.maxTokens = maxTokens
        self.temperature = temperature
        self.topP = topP
        self.seed = seed
        self.stop = stop
        self.frequencyPenalty = frequencyPenalty
        self.presencePenalty = presencePenalty
    }
}

/// A request body as it arrived, and the route it was made for.
package struct VerbatimBody: Hashable, Sendable {
    package enum Route: String, Hashable, Sendable, Codable {
        case openAIChatCompletions = "/v1/chat/completions"
        case openAICompletions = "/v1/completions"
    }

    package var route: Route
    package var bytes: [UInt8]

    package init(route: Route, bytes: [UInt8]) {
        self.route = route
        self.bytes = bytes
    }
}

extension VerbatimBody: Codable {
    private enum CodingKeys: String, CodingKey { case route, text }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        route = try container.decode(Route.self, forKey: .route)
        bytes = Array(try container.decode(String.self, forKey: .text).utf8)
    }

    /// As text: a body that was decoded as JSON is valid UTF-8.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(route, forKey: .route)
        try container.encode(String(decoding: bytes, as: UTF8.self), forKey: .text)
    }
}
