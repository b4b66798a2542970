// SPDX-License-Identifier: Apache-2.0

import KithModel

/// One line of a peers file.
struct PeerLine {
    enum Entry {
        /// A plain service of the seeds.
        case service(PeerEndpoint)
        /// A kith node's peer port.
        case node(Suggestion)
    }

    var entry: Entry
    /// What is said about a line that is used all the same.
    var note: PeersFile.Problem.Reason?

    private static let generateRoute = "/api/generate"
    private static let nodeScheme = "kith://"

    /// - Returns: `nil` when the line is blank or only a comment.
    static func parse(_ line: some Collection<UInt8>) throws(PeersFile.Problem.Reason) -> PeerLine? {
        guard let text = String(validating: line, as: UTF8.self) else { throw .notUTF8 }
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\r\n" })
            .prefix { !$0.hasPrefix("#") }
        guard let first = words.first else { return nil }
        if let address = HTTPAddress(String(first)) {
            return try service(at: normalised(address), words.dropFirst())
        }
        guard let address = nodeAddress(first) else { throw .notAnAddress }
        return try node(at: address, words.dropFirst())
    }

    private static func service(
        at address: HTTPAddress, _ words: ArraySlice<Substring>
    ) throws(PeersFile.Problem.Reason) -> PeerLine {
        var peer = PeerEndpoint(address: address, tier: .kith)
        var note: PeersFile.Problem.Reason?
        for (name, value) in try attributes(words, otherwise: .unknownWord) {
            switch name {
            // Who may see prompts is never a matter of an address: kin prove who they are.
            case "tier": if try tier(value) == .kin { note = .kinArePaired }
            case "key": peer.key = try key(value)
            default: throw .unknownAttribute(name)
            }
        }
        return PeerLine(entry: .service(peer), note: note)
    }

    private static func node(
        at address: PeerAddress, _ words: ArraySlice<Substring>
    ) throws(PeersFile.Problem.Reason) -> PeerLine {
        var suggestion = Suggestion(address: address)
        for (name, value) in try attributes(words, otherwise: .unknownNodeWord) {
            guard name == "id" else { throw .unknownNodeAttribute(name) }
            guard let id = NodeID(String(value)) else { throw .unusableID }
            suggestion.id = id
        }
        return PeerLine(entry: .node(suggestion))
    }

    /// `kith://host`, `kith://host:port`, or `host:port`; a bare word without a port is more likely a mistake.
    private static func nodeAddress(_ word: Substring) -> PeerAddress? {
        if word.prefix(nodeScheme.count).lowercased() == nodeScheme {
            let rest = word.dropFirst(nodeScheme.count)
            return PeerAddress(String(rest.hasSuffix("/") ? rest.dropLast() : rest))
        }
        guard let colon = word.lastIndex(of: ":"), word[colon...].dropFirst().utf8.allSatisfy({ (0x30...0x39) ~= $0 })
        else { return nil }
        return PeerAddress(String(word))
    }

    private static func normalised(_ address: HTTPAddress) -> HTTPAddress {
        var address = address
        address.host = address.host.lowercased()
        if address.basePath.hasSuffix(generateRoute) { address.basePath.removeLast(generateRoute.count) }
        while address.basePath.hasSuffix("/") { address.basePath.removeLast() }
        return address
    }

    private static func attributes(
        _ words: ArraySlice<Substring>, otherwise: PeersFile.Problem.Reason
    ) throws(PeersFile.Problem.Reason) -> [(name: String, value: Substring)] {
        var found: [(name: String, value: Substring)] = []
        for word in words {
            guard let (name, value) = attribute(word) else { throw otherwise }
            guard !found.contains(where: { $0.name == name }) else { throw .repeatedAttribute(name) }
            found.append((name, value))
        }
        return found
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
