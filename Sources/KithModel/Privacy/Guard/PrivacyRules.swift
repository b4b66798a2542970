// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// E-mail addresses, handles such as `@somebody`, and both in words: `somebody (at) example dot org`.
enum EmailRule {
    static func matches(_ scan: TextScan) -> Bool {
        if hasSign(scan.scalars) { return true }
        // "… at … dot …" within a few words.
        let words = scan.pieces.map(\.text)
        for (place, word) in words.enumerated() where word == "at" && place > 0 {
            let following = words[(place + 1)...].prefix(4)
            if following.dropFirst().contains("dot") || following.dropFirst().contains("punkt") { return true }
        }
        return false
    }

    /// An at sign, also in brackets, with a word before or behind it.
    private static func hasSign(_ scalars: [Unicode.Scalar]) -> Bool {
        for place in scalars.indices where scalars[place] == "@" {
            if place + 1 < scalars.count, scalars[place + 1].isWordPart { return true }
            if place > 0, scalars[place - 1].isWordPart { return true }
        }
        return ["[at]", "(at)", "{at}", "<at>"].contains { scalars[...].holds($0) }
    }
}

/// Links, and names of sites and of machines.
enum LinkRule {
    static func matches(_ scan: TextScan) -> Bool { scan.pieces.contains(where: isLink) }

    private static func isLink(_ piece: TextScan.Piece) -> Bool {
        if piece.holds("://") || piece.starts(with: "www.") { return true }
        if schemes.contains(where: { piece.starts(with: $0) }) { return true }
        let host = piece.prefix { $0 != "/" && $0 != ":" && $0 != "?" }
        let labels = host.parts(at: ".")
        guard labels.count >= 2, let last = labels.last, labels.allSatisfy(isLabel) else { return false }
        return endings.contains(last.text) && labels[labels.count - 2].contains { !$0.isDigit }
    }

    private static func isLabel(_ label: TextScan.Piece) -> Bool {
        !label.isEmpty && label.allSatisfy { $0.isWordPart || $0 == "-" }
    }

    private static let schemes = ["mailto:", "tel:", "data:", "javascript:", "file:", "magnet:", "ssh:", "sms:"]

    /// Without those that are words with which a sentence may go on after a full stop, such as `in` and `is`.
    private static let endings: Set<String> = [
        "com", "org", "net", "edu", "gov", "mil", "int", "info", "biz", "name", "io", "dev", "app", "ai", "co", "cloud",
        "online", "site", "xyz", "tech", "shop", "blog", "page", "link", "onion", "eu", "uk", "de", "fr", "es", "nl",
        "pl",
        "cz", "ch", "se", "fi", "dk", "ru", "ua", "cn", "jp", "kr", "tw", "hk", "sg", "au", "nz", "ca", "br", "mx",
        "za",
        "tr", "gr", "pt", "ie", "il", "ae", "tv", "gg", "ly", "local", "lan", "internal", "localhost", "home", "corp",
        "arpa",
    ]
}

/// Addresses of IPv4 and IPv6, with or without a port, and of network cards.
enum NetworkAddressRule {
    static func matches(_ scan: TextScan) -> Bool {
        scan.pieces.contains { piece in
            isVersion4(piece) || isHexadecimal(piece, separator: ":") || isHexadecimal(piece, separator: "-")
        }
    }

    private static func isVersion4(_ piece: TextScan.Piece) -> Bool {
        let address = piece.prefix { $0 != "/" && $0 != ":" }
        let numbers = address.parts(at: ".")
        return numbers.count == 4 && numbers.allSatisfy { (1...3).contains($0.count) && $0.allSatisfy(\.isDigit) }
    }

    /// Times such as `10:30:15` have too few groups, and none of them is empty.
    private static func isHexadecimal(_ piece: TextScan.Piece, separator: Unicode.Scalar) -> Bool {
        let address = piece.filter { $0 != "[" && $0 != "]" }.prefix { $0 != "/" && $0 != "%" }
        let groups = address.parts(at: separator)
        guard groups.count >= 3, groups.allSatisfy({ $0.count <= 4 && $0.allSatisfy(isHexDigit) }) else { return false }
        if separator == "-" { return groups.count == 6 && groups.allSatisfy { $0.count == 2 } }
        return groups.count >= 6 || groups.dropFirst().dropLast().contains { $0.isEmpty }
    }

    private static func isHexDigit(_ scalar: Unicode.Scalar) -> Bool { scalar.isDigit || "a"..."f" ~= scalar }
}

/// Numbers of seven digits and more, however they are grouped: telephones, dates of birth, accounts.
///
/// Numbers with commas between groups of three are amounts. Others are refused, not interpreted: a conversation about
/// ideas rarely needs them.
enum NumberRule {
    static let digits = 7

    static func matches(_ scan: TextScan) -> Bool {
        var (digits, gap) = (0, 0)
        for scalar in scan.scalars {
            if scalar.isDigit {
                digits += 1
                gap = 0
                if digits >= Self.digits { return true }
            } else if digits > 0, gap < 2, separators.contains(scalar) {
                gap += 1
            } else {
                (digits, gap) = (0, 0)
            }
        }
        return false
    }

    private static let separators: Set<Unicode.Scalar> = [" ", "-", ".", "/", "(", ")", "+"]
}

/// Paths of files on any system, and names of files by their endings.
enum PathRule {
    static func matches(_ scan: TextScan) -> Bool { scan.pieces.contains(where: isPath) }

    private static func isPath(_ piece: TextScan.Piece) -> Bool {
        if piece.starts(with: "~/") || piece.starts(with: "./") || piece.starts(with: "../") { return true }
        if piece.contains("\\") { return true }
        let steps = piece.parts(at: "/")
        if steps.count >= 2, steps[0].isEmpty, steps[1].contains(where: \.isWordPart) { return true }
        // "and/or", "he/she/they" are words; a path of that many steps has other characters in it, or is deeper.
        if steps.count >= 4 { return true }
        if steps.count == 3, steps.contains(where: { $0.contains { !$0.isWordPart } || $0.contains(where: \.isDigit) })
        {
            return true
        }
        return steps.last.map(isFileName) ?? false
    }

    private static func isFileName(_ piece: TextScan.Piece) -> Bool {
        let parts = piece.parts(at: ".")
        guard parts.count >= 2, let ending = parts.last else { return false }
        // "D.C." is no file of C.
        let hasName = parts.dropLast().contains { $0.count > 1 || !$0.isEmpty && ending.count > 1 }
        return endings.contains(ending.text) && (hasName || piece.first == ".")
    }

    private static let endings: Set<String> = [
        "swift", "py", "js", "ts", "tsx", "jsx", "java", "kt", "rs", "go", "c", "h", "cpp", "hpp", "cs", "rb", "php",
        "sh",
        "ps1", "bat", "sql", "db", "sqlite", "json", "yaml", "yml", "toml", "ini", "cfg", "conf", "env", "xml", "html",
        "css", "csv", "tsv", "xls", "xlsx", "doc", "docx", "odt", "ppt", "pptx", "pdf", "txt", "md", "rtf", "log",
        "pem",
        "key", "crt", "p12", "pfx", "kdbx", "zip", "tar", "gz", "png", "jpg", "jpeg", "gif", "heic", "mp3", "mp4",
        "mov",
        "wav", "exe", "dll", "dmg", "iso", "gitignore",
    ]
}

/// Keys, passwords, and other strings that nobody would say aloud; base64 and hexadecimal among them.
enum KeyRule {
    /// Bits for each character, from which on a longer string is not a word of any language.
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

/// Words spelled letter by letter, with spaces, dashes or full stops between.
enum SpellingRule {
    /// Single characters in a row. "U.S.A." and "a b c" are fewer.
    static let length = 6

    static func matches(_ scan: TextScan) -> Bool {
        // Cut at whatever is no part of a word; what stands alone is spelled.
        var (run, word) = (0, 0)
        for scalar in scan.scalars + [" "] {
            if scalar.isWordPart, !scalar.isOfUnspacedScript {
                word += 1
            } else if word > 0 {
                run = word == 1 ? run + 1 : 0
                word = 0
                if run >= length { return true }
            }
        }
        return false
    }
}

/// Program text and markup, which nobody needs to talk about ideas.
enum CodeRule {
    static func matches(_ scan: TextScan) -> Bool {
        let scalars = scan.scalars[...]
        if marks.contains(where: { scalars.holds($0) }) { return true }
        for (place, scalar) in scan.scalars.enumerated() {
            let next = place + 1 < scan.scalars.count ? scan.scalars[place + 1] : " "
            switch scalar {
            case "{", "}", ";":
                if scalar != ";" || next == "}" { return true }
            case "<": if next == "/" || next == "!" || next == "?" || next.isWordPart { return true }
            case "_": if place > 0, scan.scalars[place - 1].isWordPart, next.isWordPart { return true }
            default: break
            }
        }
        return false
    }

    private static let marks = [
        "```", "`", "()", "=>", "->", "==", "!=", "&&", "||", ":=", "+=", "/*", "*/", "::", "#!", "$(", "[]", "[0]",
    ]
}
