// SPDX-License-Identifier: Apache-2.0

/// A number of JSON as it was written, where that says more than a machine's number can.
package struct JSONNumeral: Hashable, Sendable {
    package let text: String

    /// - Returns: `nil` for what JSON does not call a number.
    package init?(_ text: String) {
        let isNumber = Array(text.utf8).withUnsafeBufferPointer { bytes in
            var scanner = JSONScanner(bytes)
            return (try? scanner.number()) != nil && scanner.index == bytes.count
        }
        guard isNumber else { return nil }
        self.text = text
    }

    /// For what has been read as a number.
    init(read text: String) { self.text = text }

    /// `nil` for what is too large.
    package var doubleValue: Double? {
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// Whether both texts, numbers of JSON or of Swift, stand for the same number.
    static func mean(_ one: String, sameAs other: String) -> Bool { Decimal(one.utf8) == Decimal(other.utf8) }

    /// A number as digits without zeros at either end, and the power of ten that the last of them stands for.
    private struct Decimal: Equatable {
        private var isNegative = false
        private var digits: [UInt8] = []
        private var exponent = 0

        init(_ text: String.UTF8View) {
            var power = 0
            var isFraction = false
            var rest = text[...]
            while let byte = rest.popFirst() {
                switch byte {
                case UInt8(ascii: "-"): isNegative = true
                case UInt8(ascii: "."): isFraction = true
                case UInt8(ascii: "e"), UInt8(ascii: "E"):
                    power = Int(Substring(rest)) ?? (rest.first == UInt8(ascii: "-") ? .min : .max)
                    rest = rest[rest.endIndex...]
                default:
                    digits.append(byte)
                    if isFraction { exponent -= 1 }
                }
            }
            while digits.last == UInt8(ascii: "0") {
                digits.removeLast()
                exponent += 1
            }
            digits = Array(digits.drop { $0 == UInt8(ascii: "0") })
            exponent = digits.isEmpty ? 0 : exponent.addingReportingOverflow(power).partialValue
        }
    }
}
