// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Keys, passwords, and other strings that nobody would say aloud; base64 and hexadecimal among them.
enum KeyRule {
    /// Bits for each character, from which on a longer string is no word of any language.
    static let entropy = 3.0
    private static let longestWord = 40

    /// Capitals tell much here, so the text is not folded.
    static func matches(_ text: String) -> Bool {
        text.unicodeScalars.split { !isPart($0) }.contains(where: looksLikeKey)
    }

    private static func isPart(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.isASCII else { return scalar.isWordPart && !scalar.isOfUnspacedScript }
        return scalar.isWordPart || "-_+/=.#$%&!*~^".unicodeScalars.contains(scalar)
    }

    private static func looksLikeKey(_ piece: Substring.UnicodeScalarView) -> Bool {
        var piece = piece
        while let last = piece.last, ".-_/!*".unicodeScalars.contains(last) { piece.removeLast() }
        let lower = String(piece).lowercased()
        if piece.count >= 8, prefixes.contains(where: lower.hasPrefix) { return true }
        if piece.count > longestWord, !piece.contains(where: { "-/.".unicodeScalars.contains($0) }) { return true }
        let (letters, digits) = (piece.count { $0.properties.isAlphabetic }, piece.count(where: \.isDigit))
        let changes = zip(piece, piece.dropFirst()).count { kind($0) != kind($1) }
        // As in "Tr0ub4dor&3"; "GPT-4", "covid-19" and "3rd" change less often or are shorter.
        if piece.count >= 8, letters > 0, digits > 0, changes >= 3, hasMixedPart(piece) { return true }
        // In base64 of words the case changes all the time; names such as "JavaScript" change it once or twice.
        if piece.count >= 12, letters + digits >= piece.count - 4, caseChanges(piece) >= 4 { return true }
        let isHex = piece.count >= 16 && piece.allSatisfy { $0.properties.isASCIIHexDigit }
        return isHex || piece.count >= 20 && digits > 0 && bits(piece) >= entropy && hasMixedPart(piece)
    }

    /// Whether letters and digits stand beside each other twice, without a dash between them.
    private static func hasMixedPart(_ piece: Substring.UnicodeScalarView) -> Bool {
        zip(piece, piece.dropFirst()).count { first, second in
            first.isDigit && second.properties.isAlphabetic || second.isDigit && first.properties.isAlphabetic
        } >= 2
    }

    private static func kind(_ scalar: Unicode.Scalar) -> Int {
        scalar.isDigit ? 0 : scalar.properties.isUppercase ? 1 : scalar.properties.isAlphabetic ? 2 : 3
    }

    private static func caseChanges(_ piece: Substring.UnicodeScalarView) -> Int {
        zip(piece, piece.dropFirst()).count { $0.properties.isLowercase && $1.properties.isUppercase }
            + zip(piece, piece.dropFirst()).count { $0.properties.isUppercase && $1.properties.isLowercase }
    }

    /// Shannon's entropy of the characters, in bits for each.
    private static func bits(_ piece: Substring.UnicodeScalarView) -> Double {
        var counts: [Unicode.Scalar: Int] = [:]
        for scalar in piece { counts[scalar, default: 0] += 1 }
        let total = Double(piece.count)
        return counts.values.reduce(0) { sum, count in
            let share = Double(count) / total
            return sum - share * log2(share)
        }
    }

    private static let prefixes = [
        "sk-", "pk_", "sk_", "rk_", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "akia", "asia",
        "eyj", "hvs.", "kith_", "aiza", "ya29.", "-----begin",
    ]
}
