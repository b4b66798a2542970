// SPDX-License-Identifier: Apache-2.0

import KithModel

extension RouteDecision.Skip {
    /// What is the matter with the node, and what mends it where the user can: for people. ``SkipReason/description`` is for
    /// programs.
    var sentence: String {
        switch reason {
        case .notKin: "\(name) belongs to someone else and never gets your prompts"
        case .down(NodeSnapshot.Reachability.left): "\(name) was stopped"
        case .down(let why): "\(name) cannot be reached (\(why))"
        case .asleep(let why): "\(name) is asleep" + (why.isEmpty ? " (kith wake \(name) wakes it)" : ": \(why)")
        case .unknown: "\(name) has not been heard of since this node started"
        case .draining: "\(name) takes no new prompts (kith pause --off there ends that)"
        case .noEngine:
            "\(name) has no model (kith engine install puts one there; where Ollama runs, kith model pull does)"
        case .engineDown(let why): "the engine of \(name) does not answer (\(why))"
        case .engineLoading: "\(name) is still loading its model"
        case .beingDescribed: "\(name) has not said yet what it offers"
        case .modelAbsent: "\(name) does not have that model"
        case .notAllowed: "\(name) has no model that this key may ask for"
        case .runsElsewhere: "the models of \(name) run at a provider, and are asked only when they are named"
        case .lacks(let feature): "\(name) does not offer \(feature.words)"
        case .contextTooShort(let limit): "\(name) reads \(limit) tokens at most"
        case .noRoom(let bytes): "\(name) has \(ByteText(bytes)) of memory too few to load that model"
        case .breakerOpen: "\(name) failed several times and is left alone for a moment"
        case .heldBack(let why): "\(name) is left alone for a while (\(why))"
        case .pinnedElsewhere: "another machine was asked for than \(name)"
        case .failed(let code): "\(name) failed (\(code.rawValue))"
        }
    }
}
