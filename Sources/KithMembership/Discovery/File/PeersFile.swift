// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The peers that the owner lists for a node: `config/peers.txt`, or the list in `PEER_ENDPOINTS`.
///
/// One peer a line, as the synth-mind guide has it; blank lines and what follows `#` are skipped. A URL is a plain
/// service of the seeds, always kith; after it may stand `key=…`, sent as a bearer token. `kith://host`, or
/// `host:port`, says where a kith node's peer port may be found; after it may stand `id=…`, the node that is expected
/// there:
///
///     http://localhost:8081/api/generate
///     kith://laptop.local  # upstairs, on port 7443
///     192.168.1.20:7444
///
/// The guide's URLs name the route `/api/generate`; the address kept here is that of the service, without the route. A
/// line that cannot be used becomes a ``Problem``, and the others are used. Kin cannot be listed here: they are paired.
package struct PeersFile: Sendable {
    package static let maximumBytes = 1_048_576
    package static let maximumLines = 4_096

    /// Plain services, in the order in which they were written, each address once.
    package private(set) var peers: [PeerEndpoint] = []
    /// Where kith nodes may be found, in the order in which they were written, each address once.
    package private(set) var suggestions: [Suggestion] = []
    package private(set) var problems: [Problem] = []

    package init() {}

    /// Reads the text of a peers file: UTF-8 with or without a byte order mark, lines ended by LF or CRLF.
    package init(bytes: some Collection<UInt8>) {
        guard bytes.count <= Self.maximumBytes else {
            problems.append(Problem(place: .whole, reason: .tooLarge))
            return
        }
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(3) : bytes.dropFirst(0)
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        read(lines) { .line($0) }
    }

    /// Reads a list of entries separated by commas, each of the form of a line.
    package init(list: String) {
        guard list.utf8.count <= Self.maximumBytes else {
            problems.append(Problem(place: .whole, reason: .tooLarge))
            return
        }
        read(list.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)) { .entry($0) }
    }

    /// Adds the peers and the problems of another source; a peer that is known already stays as it is.
    package mutating func merge(_ other: PeersFile) {
        let known = Set(peers.map(\.address))
        peers += other.peers.filter { !known.contains($0.address) }
        let suggested = Set(suggestions.map(\.address))
        suggestions += other.suggestions.filter { !suggested.contains($0.address) }
        problems += other.problems
    }

    private mutating func read<Line: Collection<UInt8>>(_ lines: [Line], place: (Int) -> Problem.Place) {
        var firstNumbers: [String: Int] = [:]
        for (offset, line) in lines.enumerated() {
            let number = offset + 1
            guard number <= Self.maximumLines else {
                problems.append(Problem(place: place(number), reason: .tooManyLines))
                return
            }
            do throws(Problem.Reason) {
                guard let read = try PeerLine.parse(line) else { continue }
                if let first = firstNumbers.updateValue(number, forKey: read.entry.place) {
                    firstNumbers[read.entry.place] = first
                    throw .duplicate(of: first)
                }
                take(read.entry)
                if let note = read.note { problems.append(Problem(place: place(number), reason: note)) }
            } catch {
                problems.append(Problem(place: place(number), reason: error))
            }
        }
    }

    private mutating func take(_ entry: PeerLine.Entry) {
        switch entry {
        case .service(let peer): peers.append(peer)
        case .node(let suggestion): suggestions.append(suggestion)
        }
    }
}

extension PeerLine.Entry {
    /// What makes two lines the same; a service and a peer port are never one.
    fileprivate var place: String {
        switch self {
        case .service(let peer): peer.address.description
        case .node(let suggestion): suggestion.address.description
        }
    }
}

extension PeersFile {
    /// Why a part of the text is not used. Holds nothing that could be a key.
    package struct Problem: Hashable, Sendable, CustomStringConvertible {
        package enum Place: Hashable, Sendable {
            case whole
            /// Counted from 1.
            case line(Int)
            /// A part between commas, counted from 1.
            case entry(Int)
        }

        package enum Reason: Error, Hashable, Sendable {
            case tooLarge
            case tooManyLines
            case notUTF8
            case notAnAddress
            case unknownWord
            case unknownAttribute(String)
            case repeatedAttribute(String)
            case unknownTier
            case unusableKey
            /// The line asks for `tier=kin`; it is used as kith.
            case kinArePaired
            /// Something other than `id=…` follows a kith node's address.
            case unknownNodeWord
            case unknownNodeAttribute(String)
            case unusableID
            /// The same address stands in an earlier line, or entry.
            case duplicate(of: Int)
        }

        package var place: Place
        package var reason: Reason

        package init(place: Place, reason: Reason) {
            self.place = place
            self.reason = reason
        }

        package var description: String {
            switch place {
            case .whole: "\(reason)"
            case .line(let number): "line \(number): \(reason)"
            case .entry(let number): "entry \(number): \(reason)"
            }
        }
    }
}

extension PeersFile.Problem.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge: "larger than \(PeersFile.maximumBytes) bytes, so nothing of it is used"
        case .tooManyLines: "only the first \(PeersFile.maximumLines) are used"
        case .notUTF8: "is not UTF-8 text"
        case .notAnAddress: "does not begin with an address such as http://host:8080 or kith://host"
        case .unknownWord: "a word after the address is neither tier=… nor key=…"
        case .unknownAttribute(let name): "\"\(name)=\" is unknown; key=… and tier=kith can be used"
        case .repeatedAttribute(let name): "\(name)= is given twice"
        case .unknownTier: "the tier must be kin or kith"
        case .unusableKey: "the key must be 1 to 1024 printable ASCII characters without spaces"
        case .kinArePaired:
            "kin are paired, not written down: run `kith invite` there and `kith join` here; used as kith"
        case .unknownNodeWord: "a word after the node's address is not id=…"
        case .unknownNodeAttribute(let name): "\"\(name)=\" is unknown after a node's address; id=… can be used"
        case .unusableID: "the id is not one that `kith id` prints; write it without spaces"
        case .duplicate(let first): "the address is the same as that of number \(first), which is used"
        }
    }
}

/// One line of a peers file.
struct PeerLine {
    enum Entry {
        /// A plain service of the seeds.
        case service(PeerEndpoint)
        /// A kith node's peer port.
        case node(Suggestion)
    }

    var entry: Entry
    /// What is said about a line that is used nevertheless.
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
            // An address never decides who may see prompts: kin prove who they are.
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
