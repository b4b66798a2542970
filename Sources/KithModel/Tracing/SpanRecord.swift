// SPDX-License-Identifier: Apache-2.0

/// What a span is about.
package enum SpanName: Hashable, Sendable {
    /// A client's request, from its arrival to the end of the answer.
    case request
    /// A kin's question, answered by this node's engine.
    case serve
    /// Waiting while the queue of every engine is full.
    case queue
    /// The choice of a node and a model.
    case route
    /// One try at one candidate.
    case attempt
    /// From a break to the first token of the engine that goes on.
    case continuation
    /// Another engine reads an answer along, to be able to go on with it.
    case standby
    /// Waiting for a slot of this node's engine.
    case admission
    /// This node's engine at work.
    case engine
    /// Of code that is no part of kith.
    case other(String)
}

/// How a span stands to those before and after it, in the terms of OpenTelemetry.
package enum SpanRole: UInt8, Hashable, Sendable {
    case inside = 1
    case server = 2
    case client = 3
    case producer = 4
    case consumer = 5
}

package enum SpanOutcome: Hashable, Sendable {
    case open
    case completed
    case failed(ChatError.Code)
    /// Nobody waited for the end.
    case abandoned
    /// Code that is no part of kith says so.
    case broke
}

/// What is known of a span, as values that cost nothing to note: text is made of them when somebody reads it. Never what
/// was said.
package struct SpanDetail: Hashable, Sendable {
    package var node: NodeName?
    package var model: ModelID?
    /// Why this node was chosen; a fixed word.
    package var reason: String?
    package var engine: EngineKind?
    // Below 0 stands for unknown: an optional number takes twice the room.
    private var prompt: Int32 = -1
    private var answer: Int32 = -1
    private var counted: Int32 = -1

    package var promptTokens: Int? { prompt < 0 ? nil : Int(prompt) }
    package var answerTokens: Int? { answer < 0 ? nil : Int(answer) }
    /// Candidates of a choice, requests ahead in a queue, tokens that a client had.
    package var count: Int? { counted < 0 ? nil : Int(counted) }

    package init(
        node: NodeName? = nil, model: ModelID? = nil, reason: String? = nil, engine: EngineKind? = nil,
        count: Int? = nil, usage: TokenUsage? = nil
    ) {
        self.node = node
        self.model = model
        self.reason = reason
        self.engine = engine
        if let count { counted = Int32(clamping: count) }
        if let usage {
            prompt = Int32(clamping: usage.promptTokens)
            answer = Int32(clamping: usage.completionTokens)
        }
    }

    /// Takes over what `other` knows.
    mutating func merge(_ other: SpanDetail) {
        node = other.node ?? node
        model = other.model ?? model
        reason = other.reason ?? reason
        engine = other.engine ?? engine
        if other.prompt >= 0 { prompt = other.prompt }
        if other.answer >= 0 { answer = other.answer }
        if other.counted >= 0 { counted = other.counted }
    }
}

/// Something that happened at one moment of a span.
package struct SpanMoment: Hashable, Sendable {
    package var name: String
    package var at: MonotonicInstant
    package var attributes: JSONObject

    package init(_ name: String, at: MonotonicInstant, attributes: JSONObject = [:]) {
        self.name = name
        self.at = at
        self.attributes = attributes
    }
}

/// One span as it is kept: small, because a request has half a dozen.
package struct SpanRecord: Sendable {
    /// What code that is no part of kith noted.
    package struct Notes: Sendable {
        package var attributes: JSONObject = [:]
        package var moments: [SpanMoment] = []
        package var problem: String?
    }

    private final class Box: Sendable {
        let notes: Notes

        init(_ notes: Notes) { self.notes = notes }
    }

    package var name: SpanName
    package let role: SpanRole
    package var outcome = SpanOutcome.open
    package let parent: SpanID?
    package let began: MonotonicInstant
    package var detail: SpanDetail
    private var end = Int64.min
    private var token = Int64.min
    private var box: Box?

    package init(
        _ name: SpanName, _ role: SpanRole, parent: SpanID?, began: MonotonicInstant, detail: SpanDetail = SpanDetail()
    ) {
        self.name = name
        self.role = role
        self.parent = parent
        self.began = began
        self.detail = detail
    }

    /// `nil` while it goes on.
    package var ended: MonotonicInstant? {
        get { end == .min ? nil : MonotonicInstant(nanoseconds: end) }
        set { end = newValue?.nanoseconds ?? .min }
    }

    package var firstToken: MonotonicInstant? {
        get { token == .min ? nil : MonotonicInstant(nanoseconds: token) }
        set { token = newValue?.nanoseconds ?? .min }
    }

    package var notes: Notes {
        get { box?.notes ?? Notes() }
        set { box = Box(newValue) }
    }
}

/// What a request asks for, in the words of OpenTelemetry's conventions for generative AI.
package enum TracedOperation: String, Hashable, Sendable {
    case chat
    case textCompletion = "text_completion"
    case embeddings
    /// Ranking, speech, pictures: the conventions have no word for them.
    case passThrough = "pass_through"
}
