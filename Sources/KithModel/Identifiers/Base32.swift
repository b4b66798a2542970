// SPDX-License-Identifier: Apache-2.0

/// Bytes as the letters `A`–`Z` and the digits `2`–`7` (RFC 4648, section 6), without padding.
package enum Base32 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

    package static func encode(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var digits: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                digits.append(alphabet[Int(bits >> count & 31)])
            }
        }
        if count > 0 { digits.append(alphabet[Int(bits << (5 - count) & 31)]) }
        return digits
    }

    /// - Returns: `nil` when a character is not in the alphabet, or the bits left over are not zero.
    package static func decode(_ digits: some Sequence<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for digit in digits {
            guard let value = value(of: digit) else { return nil }
            bits = (bits << 5 | value) & 0xFFF
            count += 5
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        guard count < 5, bits & (1 << count - 1) == 0 else { return nil }
        return bytes
    }

    /// - Returns: The character as the alphabet has it; `nil` when it is not in it. Lower case is accepted.
    package static func normalised(_ character: UInt8) -> UInt8? {
        let isLowerCase = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(character)
        let upper = isLowerCase ? character - 32 : character
        return value(of: upper).map { _ in upper }
    }

    /// Finds any one wrong character and any two neighbours that changed places: the Luhn algorithm (ISO/IEC 7812-1,
    /// annex B) carried over from ten characters to 32.
    package static func checkCharacter(of characters: some Collection<UInt8>) -> UInt8 {
        var sum: UInt32 = 0
        for (position, character) in characters.reversed().enumerated() {
            let value = value(of: character) ?? 0
            let weighted = position.isMultiple(of: 2) ? 2 * value : value
            sum += weighted / 32 + weighted % 32
        }
        return alphabet[Int((32 - sum % 32) % 32)]
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "2")...UInt8(ascii: "7"): UInt32(character - UInt8(ascii: "2")) + 26
        default: nil
        }
    }
}
