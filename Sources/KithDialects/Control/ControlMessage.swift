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
        /// Whether the answer is to hold the code as a QR code too.
        package var withQRCode: Bool?

        package init(tier: Tier, expiresSeconds: Int? = nil) {
            self.tier = tier
            self.expiresSeconds = expiresSeconds
        }

        private enum CodingKeys: String, CodingKey {
            case tier
            case expiresSeconds = "expires_seconds"
            case withQRCode = "with_qr_code"
        }
    }

    /// Its answer. The code is a secret until it is used or has expired.
    package struct Invitation: Codable, Sendable {
        package var code: String
        /// The same in six words, for a machine that sees this one on the network; missing where none does.
        package var words: String?
        package var tier: Tier
        package var expiresSeconds: Int
        /// Where the code says that this node is; missing in answers of older nodes.
        package var addresses: [PeerAddress]?
        /// The modules of the QR code, a row a line, `1` for a dark one; missing unless it was asked for, and where no
        /// code can hold it.
        package var qrCode: [String]?

        package init(code: String, tier: Tier, expiresSeconds: Int, addresses: [PeerAddress]? = nil) {
            self.code = code
            self.tier = tier
            self.expiresSeconds = expiresSeconds
            self.addresses = addresses
        }

        /// Whether no other machine can use it.
        package var isForThisMachineOnly: Bool { addresses?.allSatisfy(\.isLoopback) ?? false }

        private enum CodingKeys: String, CodingKey {
            case code, words, tier, addresses
            case expiresSeconds = "expires_seconds"
            case qrCode = "qr_code"
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

/// How long an invitation may be valid.
package enum InvitationLimits {
    /// Seconds. Long enough to walk to the other machine, and no longer than a day: a code lies around in clipboards.
    package static let expirySeconds = 10...86_400
    package static let defaultExpirySeconds = 600
    /// Characters of what is pasted as a code, spaces and line ends included.
    package static let longestCode = 4_096
}

/// How an owner refers to a peer: its name, its id, or the first group of its id. The node decides which peer it is.
///
/// Fits into a path without escapes.
package struct PeerReference: Hashable, Sendable, CustomStringConvertible {
    package static let longest = 64

    package let rawValue: String

    /// Spaces do not matter, because ids are sometimes written with them.
    ///
    /// - Returns: `nil` when the text is empty, longer than 64 characters, or holds what neither names nor ids do.
    package init?(_ text: String) {
        let bytes = text.utf8.filter { $0 != UInt8(ascii: " ") }
        guard (1...Self.longest).contains(bytes.count), bytes.allSatisfy(Self.isAllowed) else { return nil }
        rawValue = String(decoding: bytes, as: UTF8.self)
    }

    package var description: String { rawValue }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension ControlMessage {
    /// The body of `PUT /api/drain`.
    package struct DrainRequest: Codable, Hashable, Sendable {
        package var draining: Bool
        /// Seconds after which it takes prompts again by itself.
        package var forSeconds: Int?

        package init(draining: Bool, forSeconds: Int? = nil) {
            self.draining = draining
            self.forSeconds = forSeconds
        }

        private enum CodingKeys: String, CodingKey {
            case draining
            case forSeconds = "for_seconds"
        }
    }

    /// Whether a node takes no new prompts, and what still runs on its engine.
    package struct Drain: Codable, Hashable, Sendable {
        package var draining: Bool
        /// For how long it has been draining.
        package var seconds: Double?
        /// Why: the owner asked for it, or a program runs.
        package var reason: String?
        /// Until it ends by itself.
        package var endsInSeconds: Double?
        /// Requests that the engine answers now, of clients and of kin.
        package var active: Int
        /// Requests that wait for a slot.
        package var queued: Int
        /// Whether a kin in reach can answer in its place.
        package var kinAnswer: Bool

        package init(
            draining: Bool, seconds: Double? = nil, reason: String? = nil, endsInSeconds: Double? = nil, active: Int,
            queued: Int, kinAnswer: Bool
        ) {
            self.draining = draining
            self.reason = reason
            self.endsInSeconds = endsInSeconds
            self.seconds = seconds
            self.active = active
            self.queued = queued
            self.kinAnswer = kinAnswer
        }

        private enum CodingKeys: String, CodingKey {
            case draining, seconds, reason, active, queued
            case endsInSeconds = "ends_in_seconds"
            case kinAnswer = "kin_answer"
        }
    }
}

/// Why the node did not do what its owner asked. Rendered as `{"error": {"code", "message"}}`.
package struct ControlError: Error, Sendable {
    package enum Code: String, Sendable, Codable, CaseIterable {
        /// The code is not one, or a character of it is wrong.
        case malformedCode = "malformed_code"
        case expiredCode = "expired_code"
        /// Already used, unknown to the other side, or made invalid by wrong attempts.
        case refusedCode = "refused_code"
        /// A node other than the code's answers at its addresses.
        case wrongNode = "wrong_node"
        case unreachable
        /// Both sides' protocol versions are in the message.
        case incompatible
        case tooManyAttempts = "too_many_attempts"
        case unknownPeer = "unknown_peer"
        /// A name prefix or short id that fits several peers.
        case ambiguousPeer = "ambiguous_peer"
        case unknownKey = "unknown_key"
        /// There is nothing of this name or number.
        case notFound = "not_found"
        /// The present state conflicts with the request; the message says how to go on.
        case conflict
        /// Too many requests of this kind at the moment.
        case busy
        case invalid
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
