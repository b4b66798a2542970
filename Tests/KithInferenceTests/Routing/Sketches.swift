// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel

/// Short ways to say what the tests are about.
extension NodeSnapshot {
    static func sketch(
        _ name: NodeName, isSelf: Bool = false, tier: Tier = .kin, reachability: Reachability = .up,
        isDraining: Bool = false, models: [ModelInfo] = [.sketch("m")], engine: NodeSnapshot.EngineState = .ready,
        resident: [ModelID]? = nil, slots: Int = 1, outstanding: Int = 0, latency: Duration = .zero, level: Double = 1,
        takenAt: MonotonicInstant = .zero,
        lastHeard: MonotonicInstant = .zero
    ) -> NodeSnapshot {
        NodeSnapshot(
            id: NodeID(of: name), name: name, isSelf: isSelf, tier: tier, reachability: reachability,
            isDraining: isDraining, models: models,
            engine: engine, resident: resident, slots: slots, outstanding: outstanding, latency: latency, level: level,
            takenAt: takenAt, lastHeard: lastHeard)
    }
}

extension ModelInfo {
    static func sketch(
        _ id: ModelID, context: Int? = nil, embeds: Bool = false, chats: Bool = true, runsElsewhere: Bool = false,
        isPreferred: Bool = false, capabilities: [String]? = nil, digest: String? = nil
    ) -> ModelInfo {
        ModelInfo(
            id: id, contextLength: context, embeds: embeds, chats: chats, runsElsewhere: runsElsewhere,
            isPreferred: isPreferred, capabilities: capabilities, digest: digest)
    }
}

extension NodeName: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) {
        guard let name = NodeName(value) else { preconditionFailure("\(value) is not a node's name") }
        self = name
    }
}

/// In tests a node's id follows from its name.
extension NodeID: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self.init(of: NodeName(stringLiteral: value)) }

    init(of name: NodeName) {
        let bytes = Array(name.rawValue.utf8.prefix(32))
        guard let id = NodeID(digest: bytes + [UInt8](repeating: 0, count: 32 - bytes.count)) else {
            preconditionFailure("these are 32 bytes")
        }
        self = id
    }
}

extension Candidate {
    init(node name: NodeName, model: ModelID) { self.init(node: NodeID(of: name), name: name, model: model) }
}

extension RouteDecision.Skip {
    init(node name: NodeName, reason: SkipReason) { self.init(node: NodeID(of: name), name: name, reason: reason) }
}

extension MonotonicInstant {
    static func seconds(_ seconds: Double) -> MonotonicInstant { .zero.advanced(by: .seconds(seconds)) }
}
