// SPDX-License-Identifier: Apache-2.0

/// Why the node did not do what its owner asked. Rendered as `{"error": {"code", "message"}}`.
package struct ControlFailure: Error, Sendable {
    package enum Code: String, Sendable, Codable {
        /// The code is not one, or a character of it is wrong.
        case malformedCode = "malformed_code"
        case expiredCode = "expired_code"
        /// Used already, unknown to the other side, or spoilt by wrong attempts.
        case refusedCode = "refused_code"
        /// Another node than the code's answers at its addresses.
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
        /// What is there stands against what was asked; the message says how to go on.
        case conflict
        /// Too many do the same at the moment.
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
