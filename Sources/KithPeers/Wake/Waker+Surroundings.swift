// SPDX-License-Identifier: Apache-2.0

package import KithMembership

extension Waker {
    /// What this machine can do on its networks.
    package struct Surroundings: Sendable {
        /// The networks that it is on.
        package var survey: @Sendable () -> [OwnNetwork]
        /// Whether the system took the packet.
        package var send: @Sendable (WakePlan.Place) -> Bool

        package init(
            survey: @escaping @Sendable () -> [OwnNetwork], send: @escaping @Sendable (WakePlan.Place) -> Bool
        ) {
            self.survey = survey
            self.send = send
        }

        package static let machine = Surroundings(survey: OwnNetwork.survey, send: WakeSender.send)
    }
}
