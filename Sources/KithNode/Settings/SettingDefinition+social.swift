// SPDX-License-Identifier: Apache-2.0

import KithCulture

extension SettingDefinition {
    /// What a node does for company.
    static let social: [SettingDefinition] = [
        SettingDefinition(
            .socialCompanion, .boolean, fallback: "on",
            help:
                "While nobody asks anything, the node talks with a peer about something abstract now and then. Off, it "
                + "still answers peers that talk to it."),
        SettingDefinition(
            .socialIdleThreshold, .number(0.01...10_080), fallback: "8", seedName: "SOCIAL_IDLE_THRESHOLD_MIN",
            help: "Minutes without a user's request after which the node looks for company; fractions are allowed."),
        SettingDefinition(
            .socialPeerChoice, .choice(PeerChoice.allCases.map(\.rawValue)), fallback: "thompson",
            help:
                "How a peer is chosen: `random`, `round-robin`, `weighted` by reputation, or `thompson`, which finds out "
                + "who is good company and mostly talks to them."),
        SettingDefinition(
            .socialExchanges, .integer(0...100_000), fallback: "48",
            help: "Conversations that the node begins in a day, at most."),
        SettingDefinition(
            .socialTokens, .integer(0...1_000_000_000), fallback: "50000",
            help: "Tokens that conversations it begins may cost its engines in a day, read and made."),
        SettingDefinition(
            .socialPeerQuestions, .integer(0...100_000), fallback: "30",
            help: "Questions that one peer may ask of the node in an hour."),
        SettingDefinition(
            .socialPeerTokens, .integer(0...1_000_000_000), fallback: "50000",
            help: "Tokens that answering peers may cost its engines in a day, for all of them together."),
        SettingDefinition(
            .cultureOffer, .boolean, fallback: "on",
            help:
                "The few insights that have to do with a message on `/api/chat` go to the engine with it; a request that "
                + "says `\"culture\": false` gets none."),
    ]
}
