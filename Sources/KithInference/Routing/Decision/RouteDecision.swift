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
    /// The only node that may answer.
    package var pin: NodeName?
    /// What the conversation begins with.
    package var prefix: PrefixBlocks

    package init(
        purpose: Purpose = .chat, model: ModelID? = nil, tokens: Int = 0, maxTokens: Int? = nil, pin: NodeName? = nil,
        prefix: PrefixBlocks = PrefixBlocks()
    ) {
        self.purpose = purpose
        self.model = model
        self.tokens = tokens
        self.maxTokens = maxTokens
        self.pin = pin
        self.prefix = prefix
    }

    package init(_ request: ChatRequest, pin: NodeName? = nil) {
        self.init(
            model: request.model, tokens: request.estimatedPromptTokens, maxTokens: request.sampling.maxTokens,
            pin: pin,
            prefix: PrefixBlocks(request))
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

        package var estimatedWait: Duration { estimate.total }
    }

    package struct Skip: Hashable, Sendable {
        package var node: NodeName
        package var reason: SkipReason

        package init(node: NodeName, reason: SkipReason) {
            self.node = node
            self.reason = reason
        }
    }

    package var choices: [Choice]
    package var skipped: [Skip]
    /// Every model that some kin offers, for the answer to a request for an unknown one; empty when there is a choice.
    package var knownModels: [ModelID]
    /// The model that was asked for is an alias, of which it is known what it means.
    package var isAlias: Bool
}

package enum RouteReason: Hashable, Sendable, CustomStringConvertible {
    case onlyCandidate
    case shortestWait
    case pinned
    /// All breakers are open and this one opened longest ago.
    case leastBad
    /// A better node failed before its first token.
    case alternate
    /// It was the last to be sent the beginning of this conversation, and is not much busier than the best.
    case affinity
    /// This node drains, and nobody else can answer.
    case lastResort

    package var description: String {
        switch self {
        case .onlyCandidate: "only-candidate"
        case .shortestWait: "shortest-wait"
        case .pinned: "pinned"
        case .leastBad: "least-bad"
        case .alternate: "alternate"
        case .affinity: "prefix"
        case .lastResort: "last-resort"
        }
    }
}

package enum SkipReason: Hashable, Sendable, CustomStringConvertible {
    case notKin
    case down(String)
    case unknown
    case draining
    case noEngine
    case modelAbsent
    case contextTooShort(Int)
    case breakerOpen
    /// The node asked not to be asked, or its key is wrong; tried again later.
    case heldBack(String)
    case pinnedElsewhere
    /// Tried for this request, and failed.
    case failed(ChatFailure.Code)

    package var description: String {
        switch self {
        case .notKin: "not-kin"
        case .down(let why): "down(\(why))"
        case .unknown: "not-heard-of-yet"
        case .draining: "draining"
        case .noEngine: "no-engine"
        case .modelAbsent: "model-absent"
        case .contextTooShort(let limit): "context(\(limit))"
        case .breakerOpen: "breaker-open"
        case .heldBack(let why): "held-back(\(why))"
        case .pinnedElsewhere: "pinned-elsewhere"
        case .failed(let code): "failed(\(code.rawValue))"
        }
    }
}
