// SPDX-License-Identifier: Apache-2.0

/// The SHA-256 of a file of weights, or of a piece of one: what names it between machines.
package struct WeightsDigest: Hashable, Sendable, CustomStringConvertible {
    /// Bytes.
    package static let length = 32
    private static let scheme = "sha256:"

    package let bytes: [UInt8]

    /// - Parameter bytes: `nil` comes of any but 32.
    package init?(bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == Self.length else { return nil }
        self.bytes = bytes
    }

    /// - Parameter text: `sha256:` and 64 hexadecimal digits in lower case, or the digits alone; nothing else is a digest.
    package init?(_ text: some StringProtocol) {
        let digits = Array(text.hasPrefix(Self.scheme) ? text.utf8.dropFirst(Self.scheme.utf8.count) : text.utf8[...])
        guard digits.count == 2 * Self.length else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.length)
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.value(digits[place]), let low = Self.value(digits[place + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        self.bytes = bytes
    }

    /// 64 digits in lower case.
    package var digits: String { bytes.hexadecimal }

    /// `sha256:…`
    package var description: String { Self.scheme + digits }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension WeightsDigest: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let digest = WeightsDigest(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "this is no SHA-256")
        }
        self = digest
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
