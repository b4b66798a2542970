// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What the command line and the node say to each other about trust, below `/api`.
package enum ControlMessage {
    /// The answer to `GET /api/identity`.
    package struct Identity: Codable, Sendable {
        package var id: NodeID
        package var name: NodeName
        /// SHA-256 of the certificate in hexadecimal, as browsers show it.
        package var fingerprint: String
        /// Where the peer port can be reached.
        package var addresses: [PeerAddress]
        /// Another instance was seen with this node's identity.
        package var isCloned: Bool

        package init(
            id: NodeID, name: NodeName, fingerprint: String, addresses: [PeerAddress], isCloned: Bool
        ) {
            self.id = id
            self.name = name
            self.fingerprint = fingerprint
            self.addresses = addresses
            self.isCloned = isCloned
        }

        private enum CodingKeys: String, CodingKey {
            case id, name, fingerprint, addresses
            case isCloned = "cloned"
        }
    }

    /// The body of `POST /api/invitations`.
    package struct InvitationRequest: Codable, Sendable {
        package var tier: Tier
        package var expiresSeconds: Int?

        package init(tier: Tier, expiresSeconds: Int? = nil) {
            self.tier = tier
            self.expiresSeconds = expiresSeconds
        }

        private enum CodingKeys: String, CodingKey {
            case tier
            case expiresSeconds = "expires_seconds"
        }
    }

    /// Its answer. The code is a secret until it is used or has expired.
    package struct Invitation: Codable, Sendable {
        package var code: String
        package var tier: Tier
        package var expiresSeconds: Int

        package init(code: String, tier: Tier, expiresSeconds: Int) {
            self.code = code
            self.tier = tier
            self.expiresSeconds = expiresSeconds
        }

        private enum CodingKeys: String, CodingKey {
            case code, tier
            case expiresSeconds = "expires_seconds"
        }
    }

    /// The body of `POST /api/join`.
    package struct JoinRequest: Codable, Sendable {
        package var code: String

        package init(code: String) { self.code = code }
    }

    /// The answer to `POST /api/join` and to changes of a peer: who it is about.
    package struct Peer: Codable, Hashable, Sendable {
        package var id: NodeID
        package var name: NodeName
        package var tier: Tier

        package init(id: NodeID, name: NodeName, tier: Tier) {
            self.id = id
            self.name = name
            self.tier = tier
        }
    }

    /// The body of `PATCH /api/peers/{id}`; what is missing stays as it is.
    package struct PeerChange: Codable, Sendable {
        package var name: NodeName?
        package var tier: Tier?

        package init(name: NodeName? = nil, tier: Tier? = nil) {
            self.name = name
            self.tier = tier
        }
    }

    /// The answer to `GET /api/peers/nearby`: nodes that were discovered and are not paired.
    package struct Nearby: Codable, Sendable {
        package struct Node: Codable, Sendable {
            /// What the announcement claims; the certificate decides when it is paired.
            package var id: String?
            package var name: String?
            package var version: String?
            package var addresses: [PeerAddress]
            /// Where it was seen: `mdns`, `registry`, `file`, `environment`, `remembered`.
            package var source: String
            package var seenSecondsAgo: Double

            package init(
                id: String?, name: String?, version: String?, addresses: [PeerAddress], source: String,
                seenSecondsAgo: Double
            ) {
                self.id = id
                self.name = name
                self.version = version
                self.addresses = addresses
                self.source = source
                self.seenSecondsAgo = seenSecondsAgo
            }

            private enum CodingKeys: String, CodingKey {
                case id, name, version, addresses, source
                case seenSecondsAgo = "seen_seconds_ago"
            }
        }

        package var nodes: [Node]
        /// Ways of discovery that do not work here, and why, such as a missing mDNS daemon.
        package var problems: [String]

        package init(nodes: [Node], problems: [String]) {
            self.nodes = nodes
            self.problems = problems
        }
    }
}
