// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// What a request shows to be let in.
package struct PresentedKey: Hashable, Sendable {
    /// How every key that a node has made begins.
    static let prefix = "kith_"

    let text: Substring

    /// Whether a node made it. Programs that want a key to be set send words such as "unused" or "ollama".
    var isOfNode: Bool { text.utf8.starts(with: Self.prefix.utf8) }

    /// From `Authorization: Bearer …` or `X-API-Key: …`; of both, the one that a node made.
    ///
    /// - Returns: `nil` when neither is there, or what is there is blank.
    init?(_ fields: HTTPFields) { self.init(authorization: fields[.authorization], apiKey: fields[.apiKey]) }

    /// - Parameters: the values of the fields `Authorization` and `X-API-Key`.
    package init?(authorization: String?, apiKey: String?) {
        let bearer = authorization.flatMap(Self.bearer).flatMap(PresentedKey.init)
        if let bearer, bearer.isOfNode {
            self = bearer
            return
        }
        guard let key = apiKey.flatMap({ PresentedKey($0[...]) }) ?? bearer else { return nil }
        self = key
    }

    private init?(_ text: Substring) {
        guard text.utf8.contains(where: { $0 != UInt8(ascii: " ") }) else { return nil }
        self.text = text
    }

    /// The name of the scheme may be in any case (RFC 9110, section 11.1).
    private static func bearer(_ header: String) -> Substring? {
        let scheme = header.utf8.prefix(7)
        guard scheme.count == 7, zip(scheme, "bearer ".utf8).allSatisfy({ $0 | 0x20 == $1 }) else { return nil }
        return Substring(header.utf8[scheme.endIndex...].drop { $0 == UInt8(ascii: " ") })
    }
}

extension HTTPField.Name {
    static let apiKey = Self.known("x-api-key")
}
