// SPDX-License-Identifier: Apache-2.0

/// The address that a network interface has on its link: six bytes (IEEE 802, EUI-48).
package struct HardwareAddress: Hashable, Sendable {
    package let bytes: [UInt8]

    /// - Returns: `nil` unless there are six bytes that name one interface: not zero alone, and not a group, such as everybody.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 6, let first = bytes.first, first & 1 == 0, bytes.contains(where: { $0 != 0 }) else {
            return nil
        }
        self.bytes = Array(bytes)
    }

    /// Reads `02:6b:69:74:68:0b`.
    ///
    /// - Returns: `nil` for what is no such text, and as ``init(bytes:)``.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == 17 else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { part in
            part.utf8.count == 2 && part.utf8.allSatisfy(Self.isDigit) ? UInt8(part, radix: 16) : nil
        }
        guard bytes.count == parts.count else { return nil }
        self.init(bytes: bytes)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x41...0x46 ~= byte || 0x61...0x66 ~= byte
    }

    /// What wakes a machine whose interface has this address: six bytes of ones and sixteen times the address (AMD, Magic
    /// Packet Technology, 1995).
    package var magicPacket: [UInt8] {
        Array(repeating: 0xFF, count: 6) + (0..<16).flatMap { _ in bytes }
    }
}

extension HardwareAddress: CustomStringConvertible {
    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

extension HardwareAddress: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let address = HardwareAddress(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a hardware address")
        }
        self = address
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
