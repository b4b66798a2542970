// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a request needs of the node that answers it.
package struct RouteRequest: Sendable {
    package enum Purpose: Hashable, Sendable {
        case chat, embedding
        /// Something that is passed to the engine as the client wrote it.
        case service(EngineService)
    }

    package var purpose: Purpose
    /// A model's name or an alias; `nil` takes what the node offers first.
    package var model: ModelID?
    /// Tokens of the prompt, roughly.
    package var tokens: Int
    /// At most this many are made; `nil` where the request does not say.
    package var maxTokens: Int?
    /// The only node that may answer, as the client calls it.
    package var pin: NodeName?
    /// What the conversation begins with.
    package var prefix: PrefixBlocks
    /// What the engine must be able to do.
    package var features: Set<Feature>
    /// The only models that may answer; empty for all.
    package var allowedModels: [ModelID] = []
    /// Whether no engine may answer that costs money.
    package var avoidsCost = false
    package var priority = RequestPriority.interactive
    /// Whether a machine may be woken for it: somebody asks, and waits.
    package var mayWake = false

    package init(
        purpose: Purpose = .chat, model: ModelID? = nil, tokens: Int = 0, maxTokens: Int? = nil, pin: NodeName? = nil,
        prefix: PrefixBlocks = PrefixBlocks(), features: Set<Feature> = []
    ) {
        self.purpose = purpose
        self.model = model
        self.tokens = tokens
        self.maxTokens = maxTokens
        self.pin = pin
        self.prefix = prefix
        self.features = purpose == .embedding ? features.union([.embeddings]) : features
    }

    package init(_ request: ChatRequest, pin: NodeName? = nil) {
        self.init(
            model: request.model, tokens: request.estimatedPromptTokens, maxTokens: request.sampling.maxTokens,
            pin: pin, prefix: PrefixBlocks(request), features: Feature.needed(by: request))
        avoidsCost = request.avoidsCost
        mayWake = request.mayWake && request.occasion == nil && request.priority == .interactive
        (allowedModels, priority) = (request.allowedModels, request.priority)
    }

    package init(_ request: EmbeddingRequest, pin: NodeName? = nil) {
        let tokens = request.inputs.reduce(0) { $0 + $1.utf8.count / 4 }
        self.init(purpose: .embedding, model: request.model, tokens: tokens, pin: pin)
        (allowedModels, priority) = (request.allowedModels, request.priority)
        mayWake = priority == .interactive
    }

    package init(_ request: PassThroughRequest, pin: NodeName? = nil) {
        self.init(
            purpose: .service(request.service), model: request.model, pin: pin, features: [Feature(request.service)])
        (allowedModels, priority) = (request.allowedModels, request.priority)
        mayWake = priority == .interactive
    }
}

/// Where a request goes, best first, and why not elsewhere.
package struct RouteDecision: Sendable {
    package struct Choice: Sendable {
        package var candidate: Candidate
        package var estimate: WaitEstimate
        package var reason: RouteReason
        /// When it is full, and said so; candidates with room go first. `nil` for one that may be asked now.
        package var full: Room?

        /// What the choices are ordered by.
        package var score: Duration { estimate.score }
    }

    struct Ability: Sendable {
        var model: ModelInfo
        var node: NodeName
    }

    package struct Skip: Hashable, Sendable {
        package var node: NodeID
        /// For people only.
        package var name: NodeName
        package var reason: SkipReason

        package init(node: NodeID, name: NodeName, reason: SkipReason) {
            self.node = node
            self.name = name
            self.reason = reason
        }

        init(_ node: NodeSnapshot, _ reason: SkipReason) { self.init(node: node.id, name: node.name, reason: reason) }

        package init(_ candidate: Candidate, _ reason: SkipReason) {
            self.init(node: candidate.node, name: candidate.name, reason: reason)
        }
    }

    package var choices: [Choice]
    package var skipped: [Skip]
    /// Every model that some kin offers, or offered when it was last heard; empty when there is a choice.
    package var knownModels: [ModelID] = []
    /// Models that the client may ask for, and of which their engines say that they can some of what the request needs; empty
    /// when there is a choice.
    var abilities: [Ability] = []
    /// The requested model is an alias that is known here.
    package var isAlias: Bool
    /// Whether the model may be available all the same: on a node that cannot be asked now, or it was here lately.
    package var mayBeOffered = true
    /// When a request that finds no candidate now may find one.
    package var mayHelpAt: MonotonicInstant?

    /// When there may be room; `nil` when there is room now, or no candidate to wait for.
    package var roomAt: MonotonicInstant? {
        guard !choices.isEmpty else { return nil }
        var first: MonotonicInstant?
        for choice in choices {
            guard let full = choice.full else { return nil }
            first = min(first ?? full.at, full.at)
        }
        return first
    }

    /// Whether some engine that may answer is just starting.
    package var isLoading: Bool { skipped.contains { [.engineLoading, .beingDescribed].contains($0.reason) } }

    /// ``roomAt`` as a time from now.
    package func roomAfter(now: MonotonicInstant) -> Duration? { roomAt.map { max($0 - now, .zero) } }
}

/// A candidate that is full, and when it may not be.
package struct Room: Hashable, Sendable {
    /// When the next place may come free.
    package var at: MonotonicInstant
    /// When the turn of a request that waits there would come.
    package var turn: MonotonicInstant
    /// Whether the reason is a provider that wants fewer requests, not a full queue.
    package var isQuota: Bool

    package init(at: MonotonicInstant, turn: MonotonicInstant, isQuota: Bool = false) {
        self.at = at
        self.turn = turn
        self.isQuota = isQuota
    }
}

package enum RouteReason: Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case onlyCandidate
    case shortestWait
    case pinned
    /// All breakers are open and this one opened longest ago.
    case leastBad
    /// A better node failed before its first token.
    case alternate
    /// It was the last to be sent the beginning of this conversation, and is not much busier than the best.
    case affinity
    /// This node drains, and no other can answer.
    case lastResort
    /// It failed lately and is idle while others are busy: one request finds out whether it works again.
    case probe

    package var description: String {
        switch self {
        case .onlyCandidate: "only-candidate"
        case .shortestWait: "shortest-wait"
        case .pinned: "pinned"
        case .leastBad: "least-bad"
        case .alternate: "alternate"
        case .affinity: "prefix"
        case .lastResort: "last-resort"
        case .probe: "probe"
        }
    }
}

package enum SkipReason: Hashable, Sendable, CustomStringConvertible {
    case notKin
    case down(String)
    /// And why it is not woken, where that is known.
    case asleep(String)
    case unknown
    case draining
    /// It has none, by its owner's wish.
    case noEngine
    /// Its engine does not answer, and why.
    case engineDown(String)
    case engineLoading
    /// It has not said yet what it offers.
    case beingDescribed
    case modelAbsent
    /// It has no model that the client's key may ask for.
    case notAllowed
    /// It has only models that run at a provider, which have to be named.
    case runsElsewhere
    case lacks(Feature)
    case contextTooShort(Int)
    /// It would have to load the model, has so many bytes of memory too few for that, and others have enough.
    case noRoom(Int)
    case breakerOpen
    /// The node asked for a pause, or the key for it is wrong; tried again later.
    case heldBack(String)
    case pinnedElsewhere
    /// Tried for this request, and failed.
    case failed(ChatError.Code)

    /// Whether the node may have what is asked for, and be able to answer later.
    var mayPass: Bool {
        switch self {
        case .down, .asleep, .unknown, .engineDown, .engineLoading, .beingDescribed, .heldBack, .breakerOpen, .draining,
            .noRoom, .failed:
            true
        case .notKin, .noEngine, .modelAbsent, .notAllowed, .runsElsewhere, .lacks, .contextTooShort, .pinnedElsewhere:
            false
        }
    }

    /// Whether the node itself is not there, so that nobody knows what it offers.
    var isOfNode: Bool {
        switch self {
        case .down, .asleep, .unknown: true
        default: false
        }
    }

    /// One of few words, for counting.
    package var word: String {
        switch self {
        case .notKin: "not-kin"
        case .down: "down"
        case .asleep: "asleep"
        case .unknown: "not-heard-of-yet"
        case .draining: "draining"
        case .noEngine: "no-engine"
        case .engineDown: "engine-down"
        case .engineLoading: "loading"
        case .beingDescribed: "being-described"
        case .runsElsewhere: "runs-elsewhere"
        case .lacks: "lacks"
        case .modelAbsent: "model-absent"
        case .notAllowed: "not-allowed"
        case .contextTooShort: "context"
        case .noRoom: "no-room"
        case .breakerOpen: "breaker-open"
        case .heldBack: "held-back"
        case .pinnedElsewhere: "pinned-elsewhere"
        case .failed: "failed"
        }
    }

    package var description: String {
        switch self {
        case .down(let why), .engineDown(let why), .heldBack(let why): "\(word)(\(why))"
        case .asleep(let why): why.isEmpty ? word : "\(word)(\(why))"
        case .lacks(let feature): "\(word)(\(feature))"
        case .contextTooShort(let limit): "\(word)(\(limit))"
        case .noRoom(let bytes): "\(word)(\(ByteText(bytes)) short)"
        case .failed(let code): "\(word)(\(code.rawValue))"
        case .notKin, .unknown, .draining, .noEngine, .engineLoading, .beingDescribed, .modelAbsent, .notAllowed,
            .runsElsewhere, .breakerOpen, .pinnedElsewhere:
            word
        }
    }
}

extension RouteDecision {
    /// Why no candidate can be asked, in words for people: something that the client can change, or something that may
    /// pass.
    package func refusal(of wanted: RouteRequest, now: MonotonicInstant) -> ChatError {
        if let pin = wanted.pin, let failure = refusal(ofPin: pin) { return failure }
        let reasons = skipped.filter { ![.pinnedElsewhere, .notKin].contains($0.reason) }
        if let model = wanted.model, !isAlias, !mayBeOffered {
            let place = wanted.pin.map { " on \($0)" } ?? ""
            return ChatError(
                .modelNotFound, "model '\(model)' not found\(place)", field: "model", knownModels: knownModels)
        }
        if let failure = refusal(for: reasons.map(\.reason), of: wanted) { return failure }
        let why = reasons.map(\.sentence).joined(separator: "; ")
        let what = wanted.model.map { isAlias ? "nobody" : "nobody who may have '\($0)'" } ?? "nobody"
        let there = wanted.model == nil || knownModels.isEmpty ? "" : "; there is "
        return ChatError(
            .noEngine,
            "\(what) can answer now" + (why.isEmpty ? "" : ": \(why)")
                + (there.isEmpty ? "" : there + knownModels.prefix(8).map(\.rawValue).joined(separator: ", ")),
            retryAfter: retryAfter(now: now))
    }

    /// The time until a candidate may be found, in whole seconds, at least one.
    private func retryAfter(now: MonotonicInstant) -> Duration {
        let wait = mayHelpAt.map { $0 - now } ?? .seconds(2)
        return .seconds(min(max(wait.seconds.rounded(.up), 1), 86_400))
    }

    private func refusal(ofPin pin: NodeName) -> ChatError? {
        let named = skipped.first { $0.name == pin }
        if let named, named.reason != .notKin { return nil }
        let kin = skipped.filter { $0.reason != .notKin }.map(\.name).sorted().map(\.rawValue)
        let what = named == nil ? "no node named '\(pin)' is known here" : "'\(pin)' is a friend's node"
        return ChatError(
            .nodeNotFound, what + (kin.isEmpty ? "" : "; there is " + kin.joined(separator: ", ")),
            field: "x-kith-node")
    }

    /// The refusal, where only a different request would help.
    private func refusal(for reasons: [SkipReason], of wanted: RouteRequest) -> ChatError? {
        let passing = reasons.contains { $0.mayPass && !$0.isOfNode }
        let lacking = reasons.lazy.compactMap { if case .lacks(let feature) = $0 { feature } else { nil } }
        if !passing, let feature = lacking.first {
            let what = wanted.model == nil || isAlias ? "no engine offers" : "no engine that has the model offers"
            let able = abilities.filter { feature.isOffered(by: $0.model) == true }.prefix(4)
            let others = able.map { "\($0.model.id) on \($0.node)" }.joined(separator: ", ")
            return ChatError(
                .unsupported, "\(what) \(feature.words)" + (able.isEmpty ? "" : "; with them there is \(others)"),
                field: feature.field)
        }
        let contexts = reasons.compactMap { if case .contextTooShort(let limit) = $0 { limit } else { nil } }
        if let longest = contexts.max() {
            var failure = ChatError(
                .invalidRequest,
                "the prompt does not fit: it has about \(wanted.tokens) tokens, and the longest context on offer is "
                    + "\(longest) tokens",
                field: "messages")
            failure.excess = PromptExcess(tokens: wanted.tokens, limit: longest)
            return failure
        }
        if !passing, reasons.contains(.notAllowed) {
            return ChatError(
                .modelNotFound,
                "no model that this key may ask for is on offer; it may ask for "
                    + wanted.allowedModels.prefix(16).map(\.rawValue).joined(separator: ", "), field: "model")
        }
        if !passing, reasons.contains(.runsElsewhere) {
            return ChatError(
                .modelNotFound, "every model here runs at a provider and is asked only when it is named",
                field: "model", knownModels: knownModels)
        }
        return nil
    }
}

/// A decision with its reasons, and with what the client would be told if no candidate could be asked.
package struct RouteExplanation: Sendable {
    package var wanted: RouteRequest
    package var decision: RouteDecision
    /// When it was made.
    package var at: MonotonicInstant

    /// What the client would get; `nil` when there is a candidate to ask.
    package var refusal: ChatError? { decision.choices.isEmpty ? decision.refusal(of: wanted, now: at) : nil }
}
