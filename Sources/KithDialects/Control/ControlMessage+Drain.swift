// SPDX-License-Identifier: Apache-2.0

extension ControlMessage {
    /// The body of `PUT /api/drain`.
    package struct DrainWish: Codable, Hashable, Sendable {
        package var draining: Bool

        package init(draining: Bool) { self.draining = draining }
    }

    /// Whether a node takes no new prompts, and what still runs on its engine.
    package struct Drain: Codable, Hashable, Sendable {
        package var draining: Bool
        /// For how long it has been draining.
        package var seconds: Double?
        /// Requests that the engine answers now, of clients and of kin.
        package var active: Int
        /// Requests that wait for a slot.
        package var queued: Int
        /// Whether a kin in reach can answer in its place.
        package var kinAnswer: Bool

        package init(draining: Bool, seconds: Double? = nil, active: Int, queued: Int, kinAnswer: Bool) {
            self.draining = draining
            self.seconds = seconds
            self.active = active
            self.queued = queued
            self.kinAnswer = kinAnswer
        }

        private enum CodingKeys: String, CodingKey {
            case draining, seconds, active, queued
            case kinAnswer = "kin_answer"
        }
    }
}
