// SPDX-License-Identifier: Apache-2.0

/// Numbers that states and banks give to people, told from other numbers by their form and their check digits.
enum NationalIDRule {
    static func matches(_ scan: TextScan) -> Bool {
        if scan.pieces.contains(where: { isPersonal(compact($0)) }) { return true }
        // Written in groups: everything from one piece on, as long as the pieces are short or have digits.
        for start in scan.pieces.indices {
            var joined: [UInt8] = []
            for piece in scan.pieces[start...].prefix(9) {
                guard piece.count <= 4 || piece.count <= 24 && piece.contains(where: \.isDigit) else { break }
                joined += compact(piece)
                if isPersonal(joined) { return true }
            }
        }
        return false
    }

    /// Letters and digits only, as ASCII; empty for what has anything but these and marks between groups.
    private static func compact(_ piece: TextScan.Piece) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in piece {
            if scalar.isDigit || scalar.isSmallLetter {
                bytes.append(UInt8(scalar.value))
            } else if !"-./".unicodeScalars.contains(scalar) {
                return []
            }
        }
        return bytes
    }

    private static func isPersonal(_ text: [UInt8]) -> Bool {
        guard (9...34).contains(text.count) else { return false }
        return isCard(text) || isIBAN(text) || isSpanish(text) || isItalian(text) || isBritish(text) || isGerman(text)
            || isBrazilian(text) || isIndian(text) || isChinese(text) || isFrench(text)
    }

    /// The value of each character: digits as they are, letters from 10.
    private static func values(_ text: [UInt8]) -> [Int] {
        text.map { $0 >= 0x61 ? Int($0) - 0x61 + 10 : Int($0) - 0x30 }
    }

    private static func digits(_ text: [UInt8], count: ClosedRange<Int>) -> [Int]? {
        guard count.contains(text.count), text.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let digits = text.map { Int($0) - 0x30 }
        return Set(digits).count > 1 ? digits : nil
    }

    /// ISO/IEC 7812-1, Luhn's sum.
    private static func isCard(_ text: [UInt8]) -> Bool {
        guard let digits = digits(text, count: 13...19) else { return false }
        let sum = digits.reversed().enumerated().reduce(0) { sum, digit in
            guard digit.offset % 2 == 1 else { return sum + digit.element }
            return sum + (digit.element > 4 ? digit.element * 2 - 9 : digit.element * 2)
        }
        return sum % 10 == 0
    }

    /// ISO 13616, checked as in ISO/IEC 7064 MOD 97-10.
    private static func isIBAN(_ text: [UInt8]) -> Bool {
        guard text.count >= 15, text[0] >= 0x61, text[1] >= 0x61, text[2] < 0x3A, text[3] < 0x3A else { return false }
        let remainder = (values(Array(text[4...])) + values(Array(text[..<4]))).reduce(0) { remainder, value in
            (remainder * (value > 9 ? 100 : 10) + value) % 97
        }
        return remainder == 1
    }

    /// DNI and NIE: the letter is the number modulo 23.
    private static func isSpanish(_ text: [UInt8]) -> Bool {
        guard text.count == 9, let letter = text.last, letter >= 0x61 else { return false }
        var number = Array(text.dropLast())
        if let place = [UInt8]("xyz".utf8).firstIndex(of: number[0]) { number[0] = 0x30 + UInt8(place) }
        guard let value = Int(String(decoding: number, as: UTF8.self)) else { return false }
        return Array("trwagmyfpdxbnjzsqvhlcke".utf8)[value % 23] == letter
    }

    /// Codice fiscale, by its form.
    private static func isItalian(_ text: [UInt8]) -> Bool { has(form: "llllllddlddldddl", text) }

    /// National insurance number, by its form and the letters that it may have.
    private static func isBritish(_ text: [UInt8]) -> Bool {
        guard has(form: "llddddddl", text) else { return false }
        let unused = Set("dfiquv".utf8)
        return !unused.contains(text[0]) && !unused.contains(text[1]) && text[1] != UInt8(ascii: "o")
            && (UInt8(ascii: "a")...UInt8(ascii: "d")).contains(text[8])
    }

    private static func has(form: String, _ text: [UInt8]) -> Bool {
        text.count == form.utf8.count
            && zip(text, form.utf8).allSatisfy { ($0 >= 0x61) == ($1 == UInt8(ascii: "l")) }
    }

    /// Steuer-Identifikationsnummer, ISO/IEC 7064 MOD 11,10.
    private static func isGerman(_ text: [UInt8]) -> Bool {
        guard let digits = digits(text, count: 11...11), digits[0] != 0 else { return false }
        let product = digits.dropLast().reduce(10) { product, digit in
            let sum = (digit + product) % 10
            return (sum == 0 ? 10 : sum) * 2 % 11
        }
        return (11 - product) % 10 == digits[10]
    }

    /// CPF: two digits, each a weighted sum modulo 11.
    private static func isBrazilian(_ text: [UInt8]) -> Bool {
        guard let digits = digits(text, count: 11...11) else { return false }
        return [9, 10].allSatisfy { count in
            let sum = (0..<count).reduce(0) { $0 + digits[$1] * (count + 1 - $1) }
            return sum * 10 % 11 % 10 == digits[count]
        }
    }

    /// Aadhaar, by Verhoeff's sum over the dihedral group of order ten.
    private static func isIndian(_ text: [UInt8]) -> Bool {
        guard let digits = digits(text, count: 12...12), digits[0] > 1 else { return false }
        let permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
        let sum = digits.reversed().enumerated().reduce(0) { sum, digit in
            let permuted = (0..<(digit.offset % 8)).reduce(digit.element) { value, _ in permutation[value] }
            return dihedral(sum, permuted)
        }
        return sum == 0
    }

    private static func dihedral(_ left: Int, _ right: Int) -> Int {
        switch (left < 5, right < 5) {
        case (true, true): (left + right) % 5
        case (true, false): 5 + (left + right - 5) % 5
        case (false, true): 5 + (left - 5 - right + 5) % 5
        case (false, false): (left - right + 5) % 5
        }
    }

    /// Resident identity number, ISO/IEC 7064 MOD 11-2.
    private static func isChinese(_ text: [UInt8]) -> Bool {
        guard text.count == 18, digits(Array(text.dropLast()), count: 17...17) != nil else { return false }
        let last = text[17] == UInt8(ascii: "x") ? 10 : Int(text[17]) - 0x30
        guard (0...10).contains(last) else { return false }
        return (text.dropLast().reduce(0) { ($0 + Int($1) - 0x30) * 2 % 11 } + last) % 11 == 1
    }

    /// NIR: the number modulo 97, of which the last two digits are the complement.
    private static func isFrench(_ text: [UInt8]) -> Bool {
        guard let digits = digits(text, count: 15...15), (1...2).contains(digits[0]) else { return false }
        let remainder = digits.dropLast(2).reduce(0) { ($0 * 10 + $1) % 97 }
        return 97 - remainder == digits[13] * 10 + digits[14]
    }
}
