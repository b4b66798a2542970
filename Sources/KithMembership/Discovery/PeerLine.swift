// SPDX-License-Identifier: Apache-2.0

import KithModel

/// One line of a peers file.
enum PeerLine {
    private static let generateRoute = "/api/generate"

    /// - Returns: `nil` when the line is blank or only a comment.
    static func parse(_ line: some Collection<UInt8>) throws(PeersFile.Problem.Reason) -> PeerEndpoint? {
        guard let text = String(validating: line, as: UTF8.self) else { throw .notUTF8 }
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\r\n" })
            .prefix { !$0.hasPrefix("#") }
        guard let first = words.first else { return nil }
        guard let address = HTTPAddress(String(first)) else { throw .notAnAddress }
        var peer = PeerEndpoint(address: normalised(address), tier: .kith)
        var seen: Set<String> = []
        for word in words.dropFirst() {
            guard let (name, value) = attribute(word) else { throw .unknownWord }
            switch name {
            case "tier": peer.tier = try tier(value)
            case "key": peer.key = try key(value)
            default: throw .unknownAttribute(name)
            }
            guard seen.insert(name).inserted else { throw .repeatedAttribute(name) }
        }
        return peer
    }

    private static func normalised(_ address: HTTPAddress) -> HTTPAddress {
        var address = address
        address.host = address.host.lowercased()
        if address.basePath.hasSuffix(generateRoute) { address.basePath.removeLast(generateRoute.count) }
        while address.basePath.hasSuffix("/") { address.basePath.removeLast() }
        return address
    }

    /// The name is given back only when it is short and made of letters, so that no part of a key is ever quoted.
    private static func attribute(_ word: Substring) -> (name: String, value: Substring)? {
        guard let equals = word.firstIndex(of: "=") else { return nil }
        let name = word[..<equals].lowercased()
        guard (1...8).contains(name.utf8.count), name.utf8.allSatisfy({ (0x61...0x7A).contains($0) }) else {
            return nil
        }
        return (name, word[word.index(after: equals)...])
    }

    private static func tier(_ value: Substring) throws(PeersFile.Problem.Reason) -> Tier {
        guard let tier = Tier(rawValue: value.lowercased()) else { throw .unknownTier }
        return tier
    }

    private static func key(_ value: Substring) throws(PeersFile.Problem.Reason) -> Secret {
        guard (1...1024).contains(value.utf8.count), value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .unusableKey
        }
        return Secret(String(value))
    }
}
