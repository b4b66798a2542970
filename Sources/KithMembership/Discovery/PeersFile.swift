// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The peers a node was told of: `config/peers.txt`, or the list in `PEER_ENDPOINTS`.
///
/// One URL a line, as the synth-mind guide has it; blank lines and what follows `#` are skipped. After the URL may stand
/// `tier=kin` or `tier=kith` (without it a peer is kith, and gets no user's prompt) and `key=…`, sent as a bearer token:
///
///     http://localhost:8081/api/generate
///     http://laptop.local:8080 tier=kin  # upstairs
///
/// The guide's URLs name the route `/api/generate`; the address kept here is that of the node, without the route.
/// A line that cannot be used becomes a ``Problem``, and the others are used.
package struct PeersFile: Sendable {
    package static let maximumBytes = 1_048_576
    package static let maximumLines = 4_096

    /// In the order in which they were written, each address once.
    package private(set) var peers: [PeerEndpoint] = []
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
        problems += other.problems
    }

    private mutating func read<Line: Collection<UInt8>>(_ lines: [Line], place: (Int) -> Problem.Place) {
        var firstNumbers: [HTTPAddress: Int] = [:]
        for (offset, line) in lines.enumerated() {
            let number = offset + 1
            guard number <= Self.maximumLines else {
                problems.append(Problem(place: place(number), reason: .tooManyLines))
                return
            }
            do throws(Problem.Reason) {
                guard let peer = try PeerLine.parse(line) else { continue }
                if let first = firstNumbers[peer.address] { throw .duplicate(of: first) }
                firstNumbers[peer.address] = number
                peers.append(peer)
            } catch {
                problems.append(Problem(place: place(number), reason: error))
            }
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
        case .notAnAddress: "does not begin with an address such as http://host:8080"
        case .unknownWord: "a word after the address is neither tier=… nor key=…"
        case .unknownAttribute(let name): "\"\(name)=\" is unknown; tier=kin, tier=kith and key=… can be used"
        case .repeatedAttribute(let name): "\(name)= stands there twice"
        case .unknownTier: "the tier must be kin or kith"
        case .unusableKey: "the key must be 1 to 1024 printable ASCII characters without spaces"
        case .duplicate(let first): "the address stands already at \(first), which is used"
        }
    }
}
