// SPDX-License-Identifier: Apache-2.0

/// Names one request of one client, for logs, routes and answers: 128 random bits in hexadecimal.
package struct RequestID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package static func random() -> RequestID {
        var generator = BulkRandom()
        return random(using: &generator)
    }

    package static func random(using generator: inout some RandomNumberGenerator) -> RequestID {
        var digits = [UInt8]()
        digits.reserveCapacity(32)
        for word in [generator.next(), generator.next()] as [UInt64] {
            for shift in stride(from: UInt64(60), through: 0, by: -4) {
                digits.append(hexadecimalDigits[Int((word >> shift) & 15)])
            }
        }
        return RequestID(rawValue: String(decoding: digits, as: UTF8.self))
    }

    package var description: String { rawValue }

    private static let hexadecimalDigits = Array("0123456789abcdef".utf8)
}
