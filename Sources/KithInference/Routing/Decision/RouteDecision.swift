// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a request needs of the node that answers it.
package struct RouteRequest: Sendable {
    package enum Purpose: Sendable { case chat, embedding }

    package var purpose: Purpose
    /// `nil` takes what the node offers first.
    package var model: ModelID?
    /// Tokens of prompt and answer together, roughly.
    package var tokens: Int
    /// The only node that may answer.
    package var pin: NodeName?

    package init(purpose: Purpose = .chat, model: ModelID? = nil, tokens: Int = 0, pin: NodeName? = nil) {
        self.purpose = purpose
        self.model = model
        self.tokens = tokens
        self.pin = pin
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
    /// Every model that some usable node offers, for the answer to a request for an unknown one.
    package var knownModels: [ModelID]
}

package enum RouteReason: Hashable, Sendable, CustomStringConvertible {
    case onlyCandidate
    case shortestWait
    case pinned
    /// All breakers are open and this one opened longest ago.
    case leastBad
    /// A better node failed before its first token.
    case alternate

    package var description: String {
        switch self {
        case .onlyCandidate: "only-candidate"
        case .shortestWait: "shortest-wait"
        case .pinned: "pinned"
        case .leastBad: "least-bad"
        case .alternate: "alternate"
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
