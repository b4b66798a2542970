// SPDX-License-Identifier: Apache-2.0

import KithModel

/// How prompts are placed.
package struct RoutingSettings: Hashable, Sendable {
    /// Whether another node goes on with an answer that breaks off.
    package var continues: Bool
    /// How long may pass between two tokens before an answer counts as broken off.
    package var stallLimit: Duration
    /// Whether a conversation goes back to the node that had it last.
    package var usesAffinity: Bool

    package init(
        continues: Bool = true, stallLimit: Duration = ChatRequest.ordinaryStallLimit, usesAffinity: Bool = true
    ) {
        self.continues = continues
        self.stallLimit = stallLimit
        self.usesAffinity = usesAffinity
    }

    init(_ values: SettingValues) throws(SettingProblem) {
        self.init(
            continues: try values.required(.routingContinue, values.boolean(.routingContinue)),
            stallLimit: .seconds(try values.required(.routingStallLimit, values.number(.routingStallLimit))),
            usesAffinity: try values.required(.routingAffinity, values.boolean(.routingAffinity)))
    }
}
