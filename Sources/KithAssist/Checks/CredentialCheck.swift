// SPDX-License-Identifier: Apache-2.0

/// Secrets that stand in the code. Their values are never repeated; see ``ReadCode/withoutSecrets``.
enum CredentialCheck {
    struct Secret: Sendable {
        var line: Int
        /// What it is assigned to; `nil` when it is known by its form.
        var name: String?
        /// The range of the value, without quotes.
        var bytes: Range<Int>
    }

    private static let names = [
        "password", "passwd", "passphrase", "secret", "token", "apikey", "api_key", "accesskey", "access_key",
        "privatekey", "private_key", "authkey", "auth_key", "credential",
    ]
    private static let beginnings: [(text: String, length: Int)] = [
        ("AKIA", 20), ("ghp_", 36), ("gho_", 36), ("github_pat_", 40), ("sk-", 24), ("xoxb-", 24), ("xoxp-", 24),
        ("AIza", 35), ("glpat-", 20), ("hvs.", 24), ("kith_", 32), ("-----BEGIN ", 20),
    ]
    /// Placeholders for a value to be filled in.
    private static let placeholders = [
        "changeme", "change-me", "change_me", "example", "placeholder", "your", "xxxx", "****", "todo", "dummy", "none",
        "null", "test", "password", "secret", "redacted", "env:",
    ]

    static func findings(in code: ReadCode) -> [Finding] {
        secrets(in: code).prefix(8).map { secret in
            let what =
                secret.name.map { "a literal is assigned to '\(ShownText.name($0))'" }
                ?? "a literal has the form of a credential"
            return Finding(
                .danger, line: secret.line,
                "Line \(secret.line): \(what); whoever can read the code can use it, so keep it outside and read it at run time"
            )
        }
    }

    static func secrets(in code: ReadCode) -> [Secret] {
        code.tokens.isEmpty ? secretsInLines(of: code.source) + keyBlocks(in: code.source) : secretsInTokens(of: code)
    }

    /// Private keys in PEM (RFC 7468).
    private static func keyBlocks(in source: SourceText) -> [Secret] {
        var begin: Int?
        var blocks: [Secret] = []
        for (index, range) in source.lines.enumerated() {
            let line = source.bytes[range]
            if line.starts(with: "-----BEGIN ".utf8), source.text(range).contains("PRIVATE KEY") { begin = index }
            guard let first = begin, line.starts(with: "-----END ".utf8) else { continue }
            blocks.append(Secret(line: first + 1, name: nil, bytes: source.lines[first].upperBound..<range.lowerBound))
            begin = nil
        }
        return blocks
    }

    private static func secretsInTokens(of code: ReadCode) -> [Secret] {
        code.tokens.enumerated().compactMap { index, token in
            guard token.kind == .string, let value = contents(of: token, in: code.source) else { return nil }
            let bytes = code.source.bytes[value]
            if hasForm(bytes) { return Secret(line: token.line, name: nil, bytes: value) }
            guard index >= 2, let name = target(before: index, in: code), isSecret(name), isLikely(bytes) else {
                return nil
            }
            return Secret(line: token.line, name: name, bytes: value)
        }
    }

    /// What the string is assigned to: `name = "…"`, `name: "…"`, `"name": "…"`, `name: Type = "…"`.
    private static func target(before index: Int, in code: ReadCode) -> String? {
        let sign = code.tokens[index - 1]
        guard sign.isSymbol("=") || sign.isSymbol(":") || sign.isSymbol(":=") else { return nil }
        var place = index - 2
        if place >= 2, sign.isSymbol("="), code.tokens[place - 1].isSymbol(":") { place -= 2 }
        let target = code.tokens[place]
        if target.isSymbol("]"), place >= 1 { return name(code.tokens[place - 1], in: code.source) }
        return name(target, in: code.source)
    }

    private static func name(_ token: CodeToken, in source: SourceText) -> String? {
        switch token.kind {
        case .word: token.text
        case .string: contents(of: token, in: source).map { source.text($0.prefix(64)) }
        case .number, .symbol: nil
        }
    }

    /// `NAME=value` and `name: value`, as in settings.
    private static func secretsInLines(of source: SourceText) -> [Secret] {
        source.lines.enumerated().compactMap { index, range in
            let line = source.bytes[range]
            guard let sign = line.prefix(100).firstIndex(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") })
            else { return nil }
            let name = line[..<sign].split(whereSeparator: { !$0.isWordByte && $0 != UInt8(ascii: "-") }).last
            let value = line[(sign + 1)...].drop { $0 <= 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") }
                .prefix { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "'") }
            guard let name, value.count >= 8, value.contains(where: \.isDigit) || hasForm(value), isLikely(value) else {
                return nil
            }
            let text = String(decoding: name, as: UTF8.self)
            guard isSecret(text) || hasForm(value) else { return nil }
            return Secret(line: index + 1, name: isSecret(text) ? text : nil, bytes: value.indices)
        }
    }

    // MARK: What is a secret

    private static func contents(of token: CodeToken, in source: SourceText) -> Range<Int>? {
        let bytes = source.bytes[token.bytes]
        let quotes: Set<UInt8> = [UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`")]
        guard let start = bytes.firstIndex(where: { quotes.contains($0) }) else { return nil }
        let inner = bytes[start...].drop { quotes.contains($0) }
        guard let end = inner.lastIndex(where: { !quotes.contains($0) && $0 != UInt8(ascii: "#") }) else { return nil }
        return inner.startIndex..<end + 1
    }

    private static func isSecret(_ name: String) -> Bool {
        let plain = name.lowercased()
        // Suffixes only: `token_limit` and `passwordField` name something about a secret.
        return names.contains { plain.hasSuffix($0) } || names.contains { plain.hasSuffix($0 + "s") }
    }

    private static func isLikely(_ value: ArraySlice<UInt8>) -> Bool {
        guard (6...512).contains(value.count), !value.contains(where: { $0 <= 0x20 }) else { return false }
        // Names of variables that will be put in, and of files and addresses.
        guard !value.contains(where: { "${}<>%/".utf8.contains($0) }) || value.contains(where: \.isDigit) else {
            return false
        }
        let text = String(decoding: value, as: UTF8.self).lowercased()
        return !placeholders.contains { text.hasPrefix($0) } && !text.hasPrefix("${") && !text.hasPrefix("<")
            && Set(value).count >= 4
    }

    private static func hasForm(_ value: ArraySlice<UInt8>) -> Bool {
        beginnings.contains { beginning in
            value.count >= beginning.length && value.starts(with: beginning.text.utf8)
                && (beginning.text.hasPrefix("-") || !value.contains { $0 <= 0x20 })
        }
    }
}

extension ReadCode {
    /// The code with the values of secrets blanked: what may be passed on.
    var withoutSecrets: [UInt8] {
        var bytes = source.bytes
        for secret in CredentialCheck.secrets(in: self) {
            for index in secret.bytes where bytes[index] != .newline { bytes[index] = UInt8(ascii: "*") }
        }
        return bytes
    }
}
