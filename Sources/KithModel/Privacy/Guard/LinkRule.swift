// SPDX-License-Identifier: Apache-2.0

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
