// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel

/// Short ways to say what the tests are about.
extension NodeSnapshot {
    static func sketch(
        _ name: NodeName, isSelf: Bool = false, tier: Tier = .kin, reachability: Reachability = .up,
        isDraining: Bool = false, models: [ModelInfo] = [.sketch("m")], isLoading: Bool = false, slots: Int = 1,
        outstanding: Int = 0, latency: Duration = .zero, level: Double = 1, takenAt: Moment = .zero
    ) -> NodeSnapshot {
        NodeSnapshot(
            name: name, isSelf: isSelf, tier: tier, reachability: reachability, isDraining: isDraining, models: models,
            isLoading: isLoading, slots: slots, outstanding: outstanding, latency: latency, level: level,
            takenAt: takenAt)
    }
}

extension ModelInfo {
    static func sketch(_ id: ModelID, context: Int? = nil, embeds: Bool = false) -> ModelInfo {
        ModelInfo(id: id, contextLength: context, embeds: embeds)
    }
}

extension NodeName: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) {
        guard let name = NodeName(value) else { preconditionFailure("\(value) is not a node's name") }
        self = name
    }
}

extension Moment {
    static func seconds(_ seconds: Double) -> Moment { .zero.advanced(by: .seconds(seconds)) }
}
