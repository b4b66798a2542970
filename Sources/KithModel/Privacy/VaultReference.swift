// SPDX-License-Identifier: Apache-2.0

/// One field of a secret in a key-value store, version 2, of HashiCorp Vault, written `vault:secret/data/kith#openai_key`.
package struct VaultReference: Hashable, Sendable, CustomStringConvertible {
    /// Why a text is no reference, in words that complete "a secret in Vault …"; never quotes the text.
    package struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
    }

    private static let prefix = "vault:"
    private static let pathLimit = 512
    private static let fieldLimit = 128

    /// As the HTTP API has it after `/v1/`.
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
