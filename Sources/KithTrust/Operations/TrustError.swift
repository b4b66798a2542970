// SPDX-License-Identifier: Apache-2.0

/// Why this node could not state something about who is kin.
package struct TrustError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// A node does not admit itself.
        case ownID = "own_id"
        /// This node has made as many statements as it may.
        case full
        /// The subject has been forgotten and admitted as often as it may.
        case epochsExhausted = "epochs_exhausted"
        case failed
    }

    package var code: Code
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { "\(code.rawValue): \(message)" + (cause.map { " (\($0))" } ?? "") }
}
