// SPDX-License-Identifier: Apache-2.0

package import KithCulture
import KithModel

/// What a node does for company.
package struct SocialSettings: Hashable, Sendable {
    /// Whether it talks to peers by itself while its user is away.
    package var isOn: Bool
    /// The seed's `SOCIAL_IDLE_THRESHOLD_MIN`.
    package var idleThreshold: Duration
    package var choice: PeerChoice
    package var budget: ExchangeBudget.Limits
    /// What peers may ask of this node.
    package var allowance: PeerAllowance.Limits
    /// Whether the culture is offered to engines that answer the user on `/api/chat`.
    package var offersCulture: Bool

    package init(
        isOn: Bool = true, idleThreshold: Duration = .seconds(480), choice: PeerChoice = .thompson,
        budget: ExchangeBudget.Limits = .init(), allowance: PeerAllowance.Limits = .init(),
        offersCulture: Bool = true
    ) {
        self.isOn = isOn
        self.idleThreshold = idleThreshold
        self.choice = choice
        self.budget = budget
        self.allowance = allowance
        self.offersCulture = offersCulture
    }

    init(_ values: SettingValues) throws(SettingProblem) {
        let minutes = try values.required(.socialIdleThreshold, values.number(.socialIdleThreshold))
        self.init(
            isOn: try values.required(.socialCompanion, values.boolean(.socialCompanion)),
            idleThreshold: .seconds(60 * minutes),
            choice: try values.required(
                .socialPeerChoice, values.text(.socialPeerChoice).flatMap(PeerChoice.init(rawValue:))),
            budget: .init(
                exchanges: try values.required(.socialExchanges, values.integer(.socialExchanges)),
                tokens: try values.required(.socialTokens, values.integer(.socialTokens))),
            allowance: .init(
                questions: try values.required(.socialPeerQuestions, values.integer(.socialPeerQuestions)),
                tokens: try values.required(.socialPeerTokens, values.integer(.socialPeerTokens))),
            offersCulture: try values.required(.cultureOffer, values.boolean(.cultureOffer)))
    }
}
