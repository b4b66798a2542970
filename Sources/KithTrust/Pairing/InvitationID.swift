// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Which invitation an attempt is about: the first 16 bytes of a digest of its secret. May be shown.
package struct InvitationID: Hashable, Sendable {
    private static let length = 16
    private let bytes: [UInt8]

    init(prefixOf digest: some Sequence<UInt8>) { bytes = Array(digest.prefix(Self.length)) }
}

extension InvitationID: CustomStringConvertible {
    package var description: String { String(decoding: Base32.encode(bytes), as: UTF8.self) }

    package init?(_ text: String) {
        guard text.utf8.count <= 2 * Self.length, let bytes = Base32.decode(text.utf8), bytes.count == Self.length
        else {
            return nil
        }
        self.bytes = bytes
    }
}

extension InvitationID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = InvitationID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an invitation")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
