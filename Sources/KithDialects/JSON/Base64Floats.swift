// SPDX-License-Identifier: Apache-2.0

/// Numbers as little-endian IEEE 754 in single precision, in base64 (RFC 4648, section 4): the form in which OpenAI's
/// clients ask for vectors.
package enum Base64Floats {
    package static func encode(_ numbers: [Float]) -> String {
        let bytes = numbers.flatMap { number in
            let bits = number.bitPattern
            return [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: bits >> $0) }
        }
        return String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { text in
            var count = 0
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let size = min(3, bytes.count - start)
                var group: UInt32 = 0
                for offset in 0..<3 { group = group << 8 | (offset < size ? UInt32(bytes[start + offset]) : 0) }
                for place in 0..<4 {
                    let index = Int(group >> UInt32(18 - 6 * place)) & 63
                    text[count] = place <= size ? alphabet[index] : UInt8(ascii: "=")
                    count += 1
                }
            }
            return count
        }
    }

    /// - Returns: `nil` for what is no base64, or not whole numbers of four bytes.
    package static func decode(_ text: some Sequence<UInt8>) -> [Float]? {
        var numbers: [Float] = []
        var (group, bits, word, wordBits) = (0 as UInt32, 0, 0 as UInt32, 0)
        for byte in text where byte != UInt8(ascii: "=") {
            let value = values[Int(byte)]
            guard value < 64 else { return nil }
            group = group << 6 | UInt32(value)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            word |= (group >> UInt32(bits) & 0xFF) << UInt32(wordBits)
            wordBits += 8
            guard wordBits == 32 else { continue }
            numbers.append(Float(bitPattern: word))
            (word, wordBits) = (0, 0)
        }
        return wordBits == 0 ? numbers : nil
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// 255 for what is not in the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, letter) in alphabet.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()
}
