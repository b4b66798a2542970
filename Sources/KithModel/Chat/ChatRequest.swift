// SPDX-License-Identifier: Apache-2.0

/// A request for tokens, independent of the dialect in which it came.
package struct ChatRequest: Sendable, Codable {
    package enum Kind: String, Sendable, Codable {
        /// Messages in, the assistant's next message out.
        case chat
        /// One prompt in, its continuation out, without a chat template; the prompt is the only message's text.
        case completion
    }

    /// As the client, logs and engines call it.
    package var id: RequestID
    /// Whether the client gave the id, which other requests may have too then.
    package var isNamed = false
    package var kind: Kind
    /// `nil` stands for `auto`: whatever model the best node offers.
    package var model: ModelID?
    package var messages: [ChatMessage] {
        didSet {
            ownMessages = min(ownMessages, zip(messages, oldValue).prefix { $0 == $1 }.count)
            messagesMayDiffer = true
        }
    }
    package var sampling: SamplingOptions {
        didSet { if sampling.maxTokens != oldValue.maxTokens { limitChanged = true } }
    }
    /// Passed through to engines that understand OpenAI's `tools`, `tool_choice`, `response_format` and the like.
    package var extensions: JSONObject {
        didSet {
            let names = Set(extensions.keys).union(oldValue.keys)
            changedExtensions.formUnion(names.filter { extensions[$0] != oldValue[$0] })
        }
    }
    /// Whether the client wants the answer as it is made.
    package var streams: Bool
    /// Whether the client wants to be told the token usage at the end of a stream.
    package var includesUsage: Bool
    /// What the client wrote: an engine of the same dialect receives it with the differences patched in.
    package var body: ClientBody?
    /// How many of the first messages are the same in ``body``.
    package private(set) var ownMessages: Int
    /// Whether the messages may be others than those in ``body``; of a request that came from a kin nobody knows.
    package private(set) var messagesMayDiffer = true
    /// Whether the token limit differs from the one in ``body``.
    package private(set) var limitChanged = false
    /// Which of the ``extensions`` differ from those in ``body``.
    package private(set) var changedExtensions: Set<String> = []
    /// How long an engine may take until it says something. Set by the node that runs the engine, which knows how long it
    /// takes.
    package var firstTokenLimit: Duration = ChatRequest.unknownFirstTokenLimit
    /// How long may pass between two tokens.
    package var stallLimit: Duration = ChatRequest.ordinaryStallLimit
    /// When the caller gives up, by this process's clock; a kin is told the time that is left.
    package var deadline: MonotonicInstant?
    /// The part of the answer that the client has already, when another engine has begun it.
    package var begun: PartialAnswer?
    /// Whether another engine may continue the answer when the first breaks off.
    package var mayContinue = true
    /// Whether ``body`` still says what this request asks, so that the answer may come as an engine of its dialect writes
    /// it; `false` once a part of the answer exists.
    package var isAsWritten = true
    /// What the client is told before the answer begins.
    package var notice: WaitNotice?
    /// `nil` for a request of a user.
    package var occasion: Occasion?
    /// Whether a machine that sleeps may be woken for it, where nobody else can answer. Said on this node only.
    package var mayWake = true
    /// What the client calls the conversation, for choosing between nodes only.
    package var conversation: String?
    /// Where in which trace it is.
    package var trace = TracePosition.untraced
    /// The path that the client asked, for traces.
    package var path: String?
    /// Whether it goes before other requests where they wait; a kin is told.
    package var priority = RequestPriority.interactive
    /// Whether no engine may answer that costs money. In the node that the request begins at.
    package var avoidsCost = false
    /// The only models that may answer; empty for all.
    package var allowedModels: [ModelID] = []
    /// What the caller is told to have used by it. In the node that the client asked.
    package var claim: UsageClaim?

    /// The purpose of a request that nobody waits for.
    package enum Occasion: String, Sendable, Codable {
        /// A conversation of idle nodes, which gives way to any user.
        case company
    }

    /// For engines that have not been measured yet: a large model may have to be loaded first.
    package static let unknownFirstTokenLimit = Duration.seconds(120)
    package static let ordinaryStallLimit = Duration.seconds(30)
    /// Between two tokens of an answer that may hold tool calls, which some engines write in silence.
    package static let ordinaryToolStallLimit = Duration.seconds(180)
    package static let ordinaryLoadLimit = Duration.seconds(120)
    /// For an answer that comes in one piece: nothing can be seen of it before it is whole.
    package static let wholeAnswerLimit = Duration.seconds(600)

    private enum CodingKeys: String, CodingKey {
        case id, kind, model, messages, sampling, extensions, streams, includesUsage, body, ownMessages, limitChanged
        case changedExtensions, begun, occasion
    }

    package init(
        id: RequestID = .random(), kind: Kind = .chat, model: ModelID? = nil, messages: [ChatMessage],
        sampling: SamplingOptions = SamplingOptions(), extensions: JSONObject = [:], streams: Bool = true,
        includesUsage: Bool = false, body: ClientBody? = nil
    ) {
        self.id = id
        self.kind = kind
        self.model = model
        self.messages = messages
        self.sampling = sampling
        self.extensions = extensions
        self.streams = streams
        self.includesUsage = includesUsage
        self.body = body
        ownMessages = messages.count
        messagesMayDiffer = false
    }

    /// Tells this request from all others that this node sends.
    package var ticket: RequestID { isNamed ? .random() : id }

    /// Whether the client wants an answer in one piece, as an engine of its dialect writes it.
    package var wantsWholeAnswer: Bool { body != nil && isAsWritten && !streams }

    /// Whether the events of an answer may be passed on as an engine of the client's dialect writes them.
    package var takesRawEvents: Bool { body != nil && isAsWritten && streams }

    /// A rough count of the prompt's tokens: four bytes of UTF-8 each, four tokens a message for the template, and what the
    /// definitions of tools take.
    ///
    /// Only for choosing between nodes; engines count for themselves.
    package var estimatedPromptTokens: Int {
        messages.reduce(toolBytes / 4) { $0 + $1.content.textBytes / 4 + 4 }
    }

    /// What the definitions of tools take, in the client's own words where there are any.
    private var toolBytes: Int {
        if let body { return body.member("tools")?.value.count ?? 0 }
        return extensions["tools"]?.jsonBytes.count ?? 0
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
    /// The name under which OpenAI's clients give ``maxTokens``; some engines take only one of them.
    package enum LimitName: String, Hashable, Sendable, Codable, CaseIterable {
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
    }

    /// At most this many tokens are made.
    package var maxTokens: Int?
    /// The name that the client used; `nil` when it gave no limit.
    package var limitName: LimitName?
    /// OpenAI's scale: 0…2; not checked.
    package var temperature: Double?
    /// 0…1; not checked.
    package var topP: Double?
    package var seed: Int64?
    package var stop: [String]
    package var frequencyPenalty: Double?
    package var presencePenalty: Double?
    /// How many answers are wanted, OpenAI's `n`; `nil` stands for one.
    package var choices: Int?

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
