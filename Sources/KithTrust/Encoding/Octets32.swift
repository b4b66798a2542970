// SPDX-License-Identifier: Apache-2.0

import KithModel

/// 32 bytes in a message: a nonce, a proof or a digest. Written in base32.
package struct Octets32: Hashable, Sendable {
    static let count = 32
    let bytes: [UInt8]

    /// - Returns: `nil` unless there are exactly 32.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.count else { return nil }
        self.bytes = Array(bytes)
    }

    /// A nonce: fresh random bytes.
    init(using generator: inout some RandomNumberGenerator) {
        var writer = FieldWriter()
        for _ in 0..<4 { writer.put(generator.next() as UInt64) }
        bytes = writer.bytes
    }
}

extension Octets32: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard text.utf8.count <= 2 * Self.count, let octets = Base32.decode(text.utf8).flatMap(Octets32.init)
        else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not 32 bytes in base32")
        }
        self = octets
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(String(decoding: Base32.encode(bytes), as: UTF8.self))
    }
}
