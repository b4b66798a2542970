// SPDX-License-Identifier: Apache-2.0

import KithModel

enum TestDigest {
    /// Bytes as the text of a pairing code, with the check that belongs to them.
    static func packed(_ bytes: [UInt8]) -> String {
        String(decoding: Base32.encode(bytes + check(bytes)), as: UTF8.self)
    }

    /// CRC-16 of ITU-T V.41 from all ones, by long division of the whole message.
    private static func check(_ bytes: [UInt8]) -> [UInt8] {
        var rest: UInt32 = 0xFFFF
        for bit in bytes.flatMap({ byte in (0..<8).reversed().map { UInt32(byte >> $0 & 1) } }) {
            let carry = (rest >> 15 & 1) ^ bit
            rest = (rest << 1 & 0xFFFF) ^ (carry * 0x1021)
        }
        return [UInt8(rest >> 8), UInt8(rest & 0xFF)]
    }
}
