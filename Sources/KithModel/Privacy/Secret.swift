// SPDX-License-Identifier: Apache-2.0

/// A value that must never be printed: keys, tokens, passwords.
///
/// Its description and its reflection say only that there is a secret; the value leaves through ``reveal()``, which is
/// easy to search for.
package struct Secret: Sendable, Hashable {
    private let value: String

    package init(_ value: String) { self.value = value }

    /// The value itself, to be handed to the one place that must send or compare it.
    package func reveal() -> String { value }

    /// Compares in time that depends only on the two lengths, which are no secret.
    package func matches(_ candidate: some Collection<UInt8>) -> Bool {
        guard candidate.count == value.utf8.count, !value.isEmpty else { return false }
        let (shown, expected) = (Array(candidate), Array(value.utf8))  // once: what is generic here reads slowly
        var difference: UInt8 = 0
        for index in shown.indices { difference |= shown[index] ^ expected[index] }
        return difference == 0
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<secret>" }
    package var debugDescription: String { "<secret>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The source of a secret, asked each time that the secret is used: it may not be known yet, and it may be replaced.
package protocol SecretSource: Sendable {
    /// The secret as it is known now; never waits.
    ///
    /// - Throws: ``SecretError`` while there is none.
    func current() throws(SecretError) -> Secret

    /// Notes that the service that was shown the secret does not accept it.
    ///
    /// - Returns: Whether it looks for a newer one, so that trying again soon may help.
    func refused(_ secret: Secret) -> Bool
}

/// A secret that stands in the settings is its own source.
extension Secret: SecretSource {
    package func current() throws(SecretError) -> Secret { self }

    package func refused(_ secret: Secret) -> Bool { false }
}

/// Why there is no secret now; never holds one.
package struct SecretError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// It is being asked for the first time.
        case pending
        case unavailable
    }

    package var code: Code
    /// What is wrong, seen from the user of the secret, such as "its key is in Vault, which is sealed".
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// What a setting says about a secret: the secret itself, or where it is kept.
package enum SecretSetting: Hashable, Sendable {
    case value(Secret)
    case vault(VaultReference)

    /// - Parameter keeper: Reads what is kept elsewhere; without one it stays unavailable.
    package func source(from keeper: (any SecretKeeper)?) -> any SecretSource {
        switch self {
        case .value(let secret): secret
        case .vault(let reference): keeper?.source(of: reference) ?? UnreadSecret()
        }
    }
}

/// Reads secrets where they are kept, and reads them again when they may have changed.
package protocol SecretKeeper: Sendable {
    func source(of reference: VaultReference) -> any SecretSource
}

/// A secret that nobody reads.
private struct UnreadSecret: SecretSource {
    func current() throws(SecretError) -> Secret {
        throw SecretError(.unavailable, "its key is in Vault, which is not asked here")
    }

    func refused(_ secret: Secret) -> Bool { false }
}

/// One field of a secret in a key-value store, version 2, of HashiCorp Vault, written `vault:secret/data/kith#openai_key`.
package struct VaultReference: Hashable, Sendable, CustomStringConvertible {
    /// Why a text is not a reference, in words that complete "a secret in Vault …"; never quotes the text.
    package struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
    }

    private static let prefix = "vault:"
    private static let pathLimit = 512
    private static let fieldLimit = 128

    /// The path in the HTTP API, after `/v1/`.
    package let path: String
    package let field: String

    /// Whether a text is meant as a reference, well formed or not.
    package static func isMeant(by text: String) -> Bool { text.hasPrefix(prefix) }

    /// - Throws: ``Malformed``.
    package init(_ text: String) throws(Malformed) {
        guard Self.isMeant(by: text) else { throw Self.malformed("begins with vault:") }
        let parts = text.dropFirst(Self.prefix.count).split(separator: "#", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else { throw Self.malformed("ends with # and the name of one field") }
        guard parts[1].utf8.count <= Self.fieldLimit, parts[1].utf8.allSatisfy(Self.isNameByte) else {
            throw Self.malformed("has a field of at most \(Self.fieldLimit) letters, digits and . _ ~ -")
        }
        let segments = parts[0].split(separator: "/", omittingEmptySubsequences: false)
        guard parts[0].utf8.count <= Self.pathLimit, segments.allSatisfy(Self.isSegment) else {
            throw Self.malformed("has a path of letters, digits and . _ ~ - between single slashes")
        }
        guard segments.first != "v1" else { throw Self.malformed("has the path without v1/") }
        guard segments.dropFirst().dropLast().contains("data") else {
            throw Self.malformed("has data after its mount, for version 2 of the key-value store")
        }
        path = String(parts[0])
        field = String(parts[1])
    }

    package var description: String { Self.prefix + path + "#" + field }

    private static func malformed(_ what: String) -> Malformed {
        Malformed(description: "\(what), such as vault:secret/data/kith#openai_key")
    }

    private static func isSegment(_ segment: Substring) -> Bool {
        !segment.isEmpty && segment != "." && segment != ".." && segment.utf8.allSatisfy(isNameByte)
    }

    /// The characters that stand for themselves in a URL (RFC 3986, 2.3).
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
