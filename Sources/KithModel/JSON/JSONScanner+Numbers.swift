// SPDX-License-Identifier: Apache-2.0

extension JSONScanner {
    /// A number at its place in the text.
    package struct NumberToken: Hashable, Sendable {
        package var range: Range<Int>
        /// Whether it is written without fraction and exponent.
        package var isWhole: Bool
    }

    /// Steps over a number.
    package mutating func number() throws(JSONError) -> NumberToken {
        skipSpace()
        let start = position
        var isWhole = true
        if peek() == UInt8(ascii: "-") { position &+= 1 }
        if peek() == UInt8(ascii: "0") { position &+= 1 } else { try skipDigits() }
        if peek() == UInt8(ascii: ".") {
            isWhole = false
            position &+= 1
            try skipDigits()
        }
        if peek() | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            position &+= 1
            if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position &+= 1 }
            try skipDigits()
        }
        return NumberToken(range: start..<position, isWhole: isWhole)
    }

    /// `nil` for a number with a fraction or an exponent, and for one that does not fit.
    package func integer(_ token: NumberToken) -> Int64? {
        guard token.isWhole else { return nil }
        let isNegative = bytes[token.range.lowerBound] == UInt8(ascii: "-")
        var value: Int64 = 0
        for index in token.range where bytes[index] != UInt8(ascii: "-") {
            let (tens, isLarge) = value.multipliedReportingOverflow(by: 10)
            let digit = Int64(bytes[index] &- 0x30)
            let (sum, isLarger) = tens.addingReportingOverflow(isNegative ? -digit : digit)
            if isLarge || isLarger { return nil }
            value = sum
        }
        return value
    }

    /// The nearest `Double`; infinite when there is none.
    package func double(_ token: NumberToken) -> Double {
        exactly(token) ?? Double(String(decoding: bytes[token.range], as: UTF8.self)) ?? .infinity
    }

    /// The number in the form that keeps its meaning.
    package func value(_ token: NumberToken) -> JSONValue {
        if let whole = integer(token), whole != 0 || bytes[token.range.lowerBound] != UInt8(ascii: "-") {
            return .integer(whole)
        }
        if let number = exactly(token), token.range.count <= 16 { return .number(number) }
        let text = String(decoding: bytes[token.range], as: UTF8.self)
        guard let number = Double(text), number.isFinite, JSONNumeral.mean(text, sameAs: number.description) else {
            return .numeral(JSONNumeral(read: text))
        }
        return .number(number)
    }

    private mutating func skipDigits() throws(JSONError) {
        guard 0x30...0x39 ~= peek() else { throw unexpected }
        while 0x30...0x39 ~= peek() { position &+= 1 }
    }

    /// Numbers of up to fifteen digits and a small power of ten, which two exact `Double`s and one rounding give (Clinger).
    private func exactly(_ token: NumberToken) -> Double? {
        var (digits, mantissa, exponent, power) = (0, 0 as UInt64, 0, 0)
        var (isFraction, isPower, isSmall) = (false, false, false)
        for index in token.range {
            switch bytes[index] {
            case UInt8(ascii: "-"): if isPower { isSmall = true }
            case UInt8(ascii: "+"): break
            case UInt8(ascii: "."): isFraction = true
            case 0x30...0x39 where isPower:
                power = power &* 10 &+ Int(bytes[index] &- 0x30)
                if power > 22 { return nil }
            case 0x30...0x39:
                mantissa = mantissa &* 10 &+ UInt64(bytes[index] &- 0x30)
                if mantissa != 0 { digits &+= 1 }
                if digits > 15 { return nil }
                if isFraction { exponent &-= 1 }
            default: isPower = true
            }
        }
        exponent &+= isSmall ? -power : power
        guard -22...22 ~= exponent else { return nil }
        let size = exponent < 0 ? Double(mantissa) / Self.powers[-exponent] : Double(mantissa) * Self.powers[exponent]
        return bytes[token.range.lowerBound] == UInt8(ascii: "-") ? -size : size
    }

    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
}
