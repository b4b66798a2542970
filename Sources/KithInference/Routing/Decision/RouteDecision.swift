// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a request needs of the node that answers it.
package struct RouteRequest: Sendable {
    package enum Purpose: Sendable { case chat, embedding }

    package var purpose: Purpose
    /// A model's name or an alias; `nil` takes what the node offers first.
    package var model: ModelID?
    /// Of the prompt, roughly.
    package var tokens: Int
    /// At most this many are made; `nil` where the request does not say.
    package var maxTokens: Int?
    /// The only node that may answer, as the client calls it.
    package var pin: NodeName?
    /// What the conversation begins with.
    package var prefix: PrefixBlocks
    /// What the engine must be able to do.
    package var features: Set<Feature>

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
    }

    package init(_ request: EmbeddingRequest, pin: NodeName? = nil) {
        let tokens = request.inputs.reduce(0) { $0 + $1.utf8.count / 4 }
        self.init(purpose: .embedding, model: request.model, tokens: tokens, pin: pin)
    }
}

/// Where a request goes, best first, and why not elsewhere.
package struct RouteDecision: Sendable {
    package struct Choice: Sendable {
        package var candidate: Candidate
        package var estimate: WaitEstimate
        package var reason: RouteReason
        /// When it is full, and said so; who has room goes first. `nil` for one that may be asked now.
        package var full: Room?

        /// What the choices are ordered by.
        package var score: Duration { estimate.score }
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
    /// The model that was asked for is an alias, of which it is known what it means.
    package var isAlias: Bool
    /// Whether the model may be had all the same: of whoever cannot be asked now, or it was here lately.
    package var mayBeOffered = true
    /// When a request for which there is nobody may find somebody.
    package var mayHelpAt: Moment?

    /// When there may be room; `nil` when there is, or nobody to wait for.
    package var roomAt: Moment? {
        guard !choices.isEmpty else { return nil }
        var first: Moment?
        for choice in choices {
            guard let full = choice.full else { return nil }
            first = min(first ?? full.at, full.at)
        }
        return first
    }

    /// The same, from now on.
    package func roomAfter(now: Moment) -> Duration? { roomAt.map { max($0 - now, .zero) } }
}

/// A candidate that is full, and when it may not be.
package struct Room: Hashable, Sendable {
    /// When the next place may come free.
    package var at: Moment
    /// When the turn of a request that waits there would come.
    package var turn: Moment
    /// Whether a provider wants fewer requests, and no queue is full.
    package var isQuota: Bool

    package init(at: Moment, turn: Moment, isQuota: Bool = false) {
        self.at = at
        self.turn = turn
        self.isQuota = isQuota
    }
}
