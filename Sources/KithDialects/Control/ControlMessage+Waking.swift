// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension ControlMessage {
    /// The answer to `POST /api/peers/{id}/wake`: who has sent what wakes a machine.
    package struct Wake: Codable, Hashable, Sendable {
        package struct Sent: Codable, Hashable, Sendable {
            package var node: NodeName
            /// On which it was sent, such as `192.168.1.0/24`.
            package var networks: [String]

            package init(node: NodeName, networks: [String]) {
                self.node = node
                self.networks = networks
            }
        }

        package struct Missed: Codable, Hashable, Sendable {
            package var node: NodeName
            /// Follows the name: "did not answer".
            package var reason: String

            package init(node: NodeName, reason: String) {
                self.node = node
                self.reason = reason
            }
        }

        package var peer: Peer
        /// Whether it is there already, so that nothing was sent.
        package var isUp: Bool
        package var sent: [Sent]
        /// Those that were to send and did not.
        package var missed: [Missed]
        /// How long it usually takes to be up, in seconds; missing until it was woken once.
        package var usualSeconds: Double?

        package init(peer: Peer, isUp: Bool, sent: [Sent], missed: [Missed], usualSeconds: Double? = nil) {
            self.peer = peer
            self.isUp = isUp
            self.sent = sent
            self.missed = missed
            self.usualSeconds = usualSeconds
        }

        private enum CodingKeys: String, CodingKey {
            case peer, sent, missed
            case isUp = "up"
            case usualSeconds = "usual_seconds"
        }
    }
}
