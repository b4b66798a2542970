// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension Secret {
    /// 256 random bits in hexadecimal digits.
    package static func random() -> Secret {
        var generator = SystemRandomNumberGenerator()
        let numbers = (0..<4).map { _ in generator.next() as UInt64 }
        return Secret(
            numbers.map { number in
                let digits = String(number, radix: 16)
                return String(repeating: "0", count: 16 - digits.count) + digits
            }.joined())
    }
}
