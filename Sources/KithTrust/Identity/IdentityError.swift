// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Why a node's identity could not be used or made. A node that meets one must not start: going on with another identity
/// would make it a stranger to everyone it was paired with.
package struct IdentityError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The key is gone although there was an identity.
        case keyMissing = "key_missing"
        /// The key is there and its certificate is not.
        case certificateMissing = "certificate_missing"
        /// Others on this machine may read the key, or put another one in its place.
        case exposed
        /// The file may not be read, or is not a file.
        case unreadable
        /// The file is empty or ends too early.
        case truncated
        /// The file is longer than any key or certificate.
        case oversized
        /// The file is not in PEM form (RFC 7468).
        case notPEM = "not_pem"
        /// What the file holds is not a P-256 key or not a certificate.
        case damaged
        /// The certificate belongs to another key.
        case mismatch
        /// The key is whole, and is another node's.
        case otherIdentity = "other_identity"
        /// The folder cannot be made or written.
        case unwritable
        /// No key or certificate could be made.
        case failed
    }

    package var code: Code
    /// One sentence that names the file.
    package var message: String
    /// What to do about it.
    package var fix: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, fix: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.fix = fix
        self.cause = cause
    }

    package var description: String {
        "\(code.rawValue): \(message) \(fix)" + (cause.map { " (\($0))" } ?? "")
    }
}

extension IdentityError {
    private static let rekey = "\"kith rekey\" makes a new identity, which has to be paired again"

    static func missing(_ code: Code, _ file: FilePath) -> IdentityError {
        IdentityError(
            code, "This node has an identity, but \(file) is missing.", fix: "Restore it from a backup; or \(rekey).")
    }

    static func unusable(_ code: Code, _ file: FilePath, _ what: String, cause: (any Error)? = nil) -> IdentityError {
        IdentityError(code, "\(file) \(what).", fix: "Restore it from a backup; or \(rekey).", cause: cause)
    }

    static func exposed(_ path: FilePath, to whom: String, mode: String) -> IdentityError {
        IdentityError(
            .exposed, "\(path) \(whom).", fix: "If nobody did so, run: chmod \(mode) '\(path)'; otherwise \(rekey).")
    }

    static func unreadable(_ path: FilePath, cause: Errno?) -> IdentityError {
        IdentityError(
            .unreadable, "\(path) cannot be read.",
            fix: "It must be a file that belongs to the user who runs kith.", cause: cause)
    }

    static func unwritable(_ folder: FilePath, cause: Errno) -> IdentityError {
        IdentityError(
            .unwritable, "The folder \(folder) cannot be made or written.",
            fix: "Check its owner, its permissions and the space on its disk.", cause: cause)
    }
}
