// SPDX-License-Identifier: Apache-2.0

/// The origin of a web page as browsers write it in `Origin` (RFC 6454, section 6.2): scheme, host and port, no path.
package enum WebOrigin {
    /// Bytes of an origin that is looked at.
    static let lengthLimit = 512

    private static let ports: [Substring: Int] = ["http": 80, "https": 443, "ws": 80, "wss": 443]

    /// The origin in lower case, without a port that its scheme implies.
    ///
    /// `null`, which every page in a sandbox sends, is no origin that can be told from others.
    ///
    /// - Returns: `nil` for what is not an origin.
    package static func normalised(_ text: String) -> String? {
        guard text.utf8.count <= lengthLimit else { return nil }
        let text = text.lowercased()
        guard let separator = text.firstRange(of: "://") else { return nil }
        let scheme = text[..<separator.lowerBound]
        guard let first = scheme.utf8.first, isLetter(first), scheme.utf8.allSatisfy(isSchemeByte),
            let (host, port) = hostAndPort(text[separator.upperBound...])
        else { return nil }
        guard let port, port != ports[scheme] else { return "\(scheme)://\(host)" }
        return "\(scheme)://\(host):\(port)"
    }

    private static func hostAndPort(_ authority: Substring) -> (host: Substring, port: Int?)? {
        var host = authority
        var rest: Substring = ""
        if authority.utf8.first == UInt8(ascii: "[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[...end]
            rest = authority[authority.index(after: end)...]
            guard host.dropFirst().dropLast().utf8.allSatisfy(isAddressByte) else { return nil }
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            rest = authority[colon...]
        }
        guard host.utf8.first == UInt8(ascii: "[") || !host.isEmpty && host.utf8.allSatisfy(isNameByte) else {
            return nil
        }
        if rest.isEmpty { return (host, nil) }
        let digits = rest.dropFirst()
        guard rest.utf8.first == UInt8(ascii: ":"), (1...5).contains(digits.utf8.count),
            digits.utf8.allSatisfy(isDigit), let port = Int(digits), (1...65_535).contains(port)
        else { return nil }
        return (host, port)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte }

    private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || "+-.".utf8.contains(byte)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || "-._".utf8.contains(byte)
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte || ":.".utf8.contains(byte)
    }
}

/// The pages of other origins that the owner lets use a listener: none unless some are named.
package struct AllowedOrigins: Hashable, Sendable {
    /// Stands for every origin.
    package static let wildcard = "*"
    package static let none = AllowedOrigins([])

    private let named: Set<String>
    /// Pages of every other origin are let in if they show a key. Without one, any page that somebody opens could read
    /// this node's conversations.
    package let admitsAllWithKey: Bool

    /// - Parameter entries: Origins, or ``wildcard``; what is neither is left out.
    package init(_ entries: [String]) {
        named = Set(entries.compactMap(WebOrigin.normalised))
        admitsAllWithKey = entries.contains(Self.wildcard)
    }

    package var isEmpty: Bool { named.isEmpty && !admitsAllWithKey }

    /// Whether pages of this origin may ask as a program on this machine does.
    ///
    /// - Parameter origin: The value of the field `Origin`.
    package func names(_ origin: String) -> Bool {
        !named.isEmpty && origin.utf8.count <= WebOrigin.lengthLimit && named.contains(origin.lowercased())
    }

    /// Whether browsers let pages of this origin see the answers.
    package func mayRead(_ origin: String) -> Bool { admitsAllWithKey || names(origin) }
}
