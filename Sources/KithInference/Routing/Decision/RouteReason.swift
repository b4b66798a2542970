// SPDX-License-Identifier: Apache-2.0

package import KithModel

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
    /// It failed lately and has nothing to do while others have: one request sees whether it is well again.
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
    /// It has only models that run at a provider, which have to be named.
    case runsElsewhere
    case lacks(Feature)
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
        case .engineDown(let why): "engine-down(\(why))"
        case .engineLoading: "loading"
        case .beingDescribed: "being-described"
        case .runsElsewhere: "runs-elsewhere"
        case .lacks(let feature): "lacks(\(feature))"
        case .modelAbsent: "model-absent"
        case .contextTooShort(let limit): "context(\(limit))"
        case .breakerOpen: "breaker-open"
        case .heldBack(let why): "held-back(\(why))"
        case .pinnedElsewhere: "pinned-elsewhere"
        case .failed(let code): "failed(\(code.rawValue))"
        }
    }
}
