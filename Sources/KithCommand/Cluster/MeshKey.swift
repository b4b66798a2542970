// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The key that the nodes of one mesh share: 256 random bits in lower-case base32 (RFC 4648) without padding.
package enum MeshKey {
    package static func random(using generator: inout some RandomNumberGenerator) -> Secret {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        var digits: [UInt8] = []
        var buffer: UInt64 = 0
        var bits = 0
        for _ in 0..<32 {
            buffer = buffer << 8 | UInt64(UInt8.random(in: .min ... .max, using: &generator))
            bits += 8
            while bits >= 5 {
                bits -= 5
                digits.append(alphabet[Int(buffer >> UInt64(bits) & 31)])
            }
        }
        if bits > 0 { digits.append(alphabet[Int(buffer << UInt64(5 - bits) & 31)]) }
        return Secret(String(decoding: digits, as: UTF8.self))
    }
}
