// SPDX-License-Identifier: Apache-2.0

/// Where a secret is taken from each time that it is used: it may not be there yet, and another may take its place.
package protocol SecretSource: Sendable {
    /// The secret as it is known now; never waits.
    ///
    /// - Throws: ``SecretProblem`` while there is none.
    func current() throws(SecretProblem) -> Secret

    /// Takes note that whoever the secret was shown to does not accept it.
    ///
    /// - Returns: Whether a newer one is looked for, so that trying again soon may help.
    func refused(_ secret: Secret) -> Bool
}

/// A secret that stands in the settings is its own source.
extension Secret: SecretSource {
    package func current() throws(SecretProblem) -> Secret { self }

    package func refused(_ secret: Secret) -> Bool { false }
}

/// Why there is no secret now; never holds one.
package struct SecretProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// It is being asked for the first time.
        case pending
        case unavailable
    }

    package var code: Code
    /// Says of the one who needs the secret what is wrong, such as "its key is in Vault, which is sealed".
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
