// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel

/// A key for a client program, at the one moment at which it is known: when it is made.
///
/// Written `kith_`, eight characters that may be shown, `_`, and 52 characters that are 256 random bits.
package struct ClientKey: Sendable {
    static let prefix = Array("kith_".utf8)
    static let idLength = 8
    static let secretLength = 52
    static let length = prefix.count + idLength + 1 + secretLength

    /// The part that may be shown.
    package let id: String
    private let secret: [UInt8]

    /// - Parameter generator: must be the system's outside of tests.
    package init(using generator: inout some RandomNumberGenerator) {
        id = String(decoding: Self.characters(Self.idLength, using: &generator), as: UTF8.self)
        secret = Self.characters(Self.secretLength, using: &generator)
    }

    package init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    /// The whole key, to be shown once.
    package var text: Secret { Secret("kith_\(id)_" + String(decoding: secret, as: UTF8.self)) }

    /// What is kept of it.
    package func record(
        name: String, scopes: Set<Scope>, createdAt: WallTime, expiresAt: WallTime? = nil
    ) -> ClientKeyRecord {
        ClientKeyRecord(
            id: id, name: name, scopes: scopes, digest: Array(SHA256.hash(data: secret)), createdAt: createdAt,
            expiresAt: expiresAt)
    }

    /// Random characters of base32, in lower case.
    private static func characters(_ count: Int, using generator: inout some RandomNumberGenerator) -> [UInt8] {
        let bytes = (0..<(count * 5 + 7) / 8).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return Base32.encode(bytes).prefix(count).map { isLetter($0) ? $0 | 0x20 : $0 }
    }

    private static func isLetter(_ character: UInt8) -> Bool { character >= UInt8(ascii: "A") }

    static func isOfAlphabet(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "2")...UInt8(ascii: "7"): true
        default: false
        }
    }
}

extension ClientKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<client key \(id)>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}
