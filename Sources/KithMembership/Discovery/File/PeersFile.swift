// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The peers a node was told of: `config/peers.txt`, or the list in `PEER_ENDPOINTS`.
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
/// The guide's URLs name the route `/api/generate`; the address kept here is that of the service, without the route.
/// A line that cannot be used becomes a ``Problem``, and the others are used. Kin cannot be written down, they are
/// paired.
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
            /// After a kith node's address stands something else than `id=…`.
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
