// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What one owner carries from the inviting node to the joining one: who invites, where it is found, and a one-time secret.
///
/// In bytes: version and tier; how many bytes there are in all; the beginning of the inviter's id; the seed of the secret; the
/// addresses; two bytes of a cyclic redundancy check (CRC-16 of ITU-T V.41), which finds every wrong character and every swapped
/// pair. In text: base32 in groups of eight, capitals, digits and hyphens only, so that a QR code can hold it in its alphanumeric
/// mode; it fits into 80 columns unless its first address is a long name. In words: the tier and the seed alone, for machines that
/// see each other on the network.
///
/// Anybody who reads the text can join once: descriptions and reflection hide the secret.
package struct PairingCode: Hashable, Sendable {
    /// Where the inviting node is; missing in a code that was read from words.
    package struct Place: Hashable, Sendable {
        package let inviter: NodeIDPrefix
        package let addresses: [PeerAddress]
    }

    package static let addressLimit = 4
    /// The longest ``text``, and the longest that is read.
    package static let textLimit = 512
    static let version: UInt8 = 2
    private static let group = 8
    private static let checkLength = 2
    private static let headLength = 2 + NodeIDPrefix.length + 8
    /// Characters of a code without an address, hyphens left out.
    private static let shortest = ((headLength + checkLength) * 8 + 4) / 5
    /// Characters of the codes that kith made at first, with the whole id and 128 bits of secret.
    private static let shortestOfVersion1 = 85
    private static let byteLimit = 255
    /// 72 characters, and a hyphen after each eight of them: 80 columns.
    private static let preferredByteLimit = 45

    package let place: Place?
    package let tier: Tier
    let seed: PairingSeed

    /// Of the addresses as many are kept as fit into 80 columns, and the first one also where it alone is too long for that.
    init(inviter: NodeID, addresses: [PeerAddress], seed: PairingSeed, tier: Tier) {
        self.seed = seed
        self.tier = tier
        var length = Self.headLength + Self.checkLength
        var kept: [PeerAddress] = []
        for address in addresses where kept.count < Self.addressLimit && !kept.contains(address) {
            let size = PackedAddress.pack(address, leavingOut: PeerAddress.defaultPort).count
            guard length + size <= (kept.isEmpty ? Self.byteLimit : Self.preferredByteLimit) else { continue }
            length += size
            kept.append(address)
        }
        place = Place(inviter: NodeIDPrefix(of: inviter), addresses: kept)
    }

    private init(place: Place?, tier: Tier, seed: PairingSeed) {
        self.place = place
        self.tier = tier
        self.seed = seed
    }

    /// Takes some ten milliseconds.
    package var invitation: InvitationID { PairingSecret(seed).invitation }

    /// Where the code says that its node is.
    package var addresses: [PeerAddress] { place?.addresses ?? [] }

    /// Which node may answer to this code.
    package var expected: ExpectedNode { place.map { .beginning($0.inviter) } ?? .anyone }

    /// The code itself, with its secret; of one that was read from words, the words.
    package var text: String {
        guard let place else { return words }
        var body = ByteWriter()
        body.append(contentsOf: place.inviter.bytes)
        body.append(uint64: seed.bits)
        for address in place.addresses {
            body.append(contentsOf: PackedAddress.pack(address, leavingOut: PeerAddress.defaultPort))
        }
        let length = 2 + body.bytes.count + Self.checkLength
        let bytes = [Self.version << 4 | (tier == .kin ? 1 : 0) << 3, UInt8(clamping: length)] + body.bytes
        let digits = Base32.encode(bytes + Self.check(bytes))
        return stride(from: 0, to: digits.count, by: Self.group)
            .map { String(decoding: digits[$0..<min($0 + Self.group, digits.count)], as: UTF8.self) }
            .joined(separator: "-")
    }

    /// Six words with spaces between them, which hold the secret too.
    package var words: String { PairingWords.text(tier: tier, seed: seed) }

    /// CRC-16 of ITU-T V.41 (x¹⁶ + x¹² + x⁵ + 1), the highest bit first, from all ones.
    private static func check(_ bytes: [UInt8]) -> [UInt8] {
        var rest: UInt16 = 0xFFFF
        for byte in bytes {
            rest ^= UInt16(byte) << 8
            for _ in 0..<8 { rest = rest & 0x8000 == 0 ? rest << 1 : rest << 1 ^ 0x1021 }
        }
        return [UInt8(rest >> 8), UInt8(rest & 0xFF)]
    }
}

extension PairingCode {
    /// Why a text is not a pairing code.
    package enum Unreadable: Error, Hashable, Sendable, CustomStringConvertible {
        case empty
        case tooLong
        case foreignCharacter
        /// How many characters there are, and how many there should be, hyphens left out.
        case incomplete(Int, of: Int?)
        case damaged
        case otherVersion
        case unknownWord(String)
        case wordCount(Int)
        case damagedWords

        /// One of each.
        package static let kinds: [Unreadable] = [
            .empty, .tooLong, .foreignCharacter, .incomplete(0, of: nil), .damaged, .otherVersion, .unknownWord(""),
            .wordCount(0), .damagedWords,
        ]

        /// The name of the kind.
        package var word: String {
            switch self {
            case .empty: "empty"
            case .tooLong: "too_long"
            case .foreignCharacter: "foreign_character"
            case .incomplete: "incomplete"
            case .damaged: "damaged"
            case .otherVersion: "other_version"
            case .unknownWord: "unknown_word"
            case .wordCount: "word_count"
            case .damagedWords: "damaged_words"
            }
        }

        package var description: String {
            switch self {
            case .empty: "no pairing code was given"
            case .tooLong: "this is too long for a pairing code"
            case .foreignCharacter: "pairing codes consist of letters, the digits 2 to 7 and hyphens, or of six words"
            case .incomplete(let count, of: let whole?):
                "the pairing code is not whole: \(count) of \(whole) characters; paste all of it"
            case .incomplete(_, of: nil): "the pairing code is not whole; paste all of it"
            case .damaged:
                "the pairing code is not as it was made: a character is missing or wrong; copy all of it"
            case .otherVersion: "the pairing code was made by another version of kith; update both nodes"
            case .unknownWord(let word): "'\(word.prefix(20))' is none of the words of a pairing code; look at it again"
            case .wordCount(let count):
                "a pairing code has six words, and \(count == 1 ? "one is" : "\(count) are") here; type all of them in one line"
            case .damagedWords: "these are not the six words that were shown: one is wrong, or two are swapped"
            }
        }

        /// Whether the rest may still come.
        package var isBeginning: Bool {
            switch self {
            case .incomplete: true
            case .wordCount(let count): count < PairingWords.count
            case .empty, .tooLong, .foreignCharacter, .damaged, .otherVersion, .unknownWord, .damagedWords: false
            }
        }
    }

    /// Reads a code as people pass it on: capitals or not, with hyphens, spaces and line breaks anywhere; or its six words.
    package static func read(_ text: String) -> Result<PairingCode, Unreadable> {
        guard text.utf8.count <= 2 * textLimit else { return .failure(.tooLong) }
        switch PairingWords.read(text) {
        case .success(let (tier, seed)): return .success(PairingCode(place: nil, tier: tier, seed: seed))
        case .failure(.unknownWord(let word)): return .failure(.unknownWord(word))
        case .failure(.wrongCount(let count)): return .failure(.wordCount(count))
        case .failure(.damaged): return .failure(.damagedWords)
        case .failure(.otherText): break
        }
        var digits: [UInt8] = []
        for byte in text.utf8 where !isSeparator(byte) {
            guard let digit = Base32.normalised(byte) else { return .failure(.foreignCharacter) }
            digits.append(digit)
        }
        if digits.isEmpty { return .failure(.empty) }
        guard digits.count <= textLimit else { return .failure(.tooLong) }
        return read(digits: digits)
    }

    private static func read(digits: [UInt8]) -> Result<PairingCode, Unreadable> {
        // The first four characters hold the version and the length; a fifth makes them whole bytes.
        guard digits.count >= 4, let head = Base32.decode(digits.prefix(4) + [UInt8(ascii: "A")]), head.count >= 2
        else {
            return .failure(.incomplete(digits.count, of: nil))
        }
        let wanted = (Int(head[1]) * 8 + 4) / 5
        let isOurs = head[0] >> 4 == version
        if digits.count < (isOurs ? wanted : shortest) {
            return .failure(.incomplete(digits.count, of: isOurs ? wanted : nil))
        }
        if head[0] >> 4 == 1, digits.count >= shortestOfVersion1 { return .failure(.otherVersion) }
        guard let bytes = Base32.decode(digits), bytes.count == Int(head[1]), bytes.count > checkLength else {
            return .failure(.damaged)
        }
        let packed = Array(bytes.dropLast(checkLength))
        guard check(packed).elementsEqual(bytes.suffix(checkLength)) else { return .failure(.damaged) }
        guard isOurs else { return .failure(.otherVersion) }
        do throws(ByteReaderError) {
            return .success(try unpack(packed))
        } catch {
            return .failure(.damaged)
        }
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): true
        default: false
        }
    }

    private static func unpack(_ bytes: [UInt8]) throws(ByteReaderError) -> PairingCode {
        var reader = ByteReader(bytes)
        let head = try reader.byte()
        _ = try reader.byte()
        guard head & 7 == 0, let inviter = NodeIDPrefix(try reader.bytes(NodeIDPrefix.length)),
            let seed = PairingSeed(try reader.uint64())
        else { throw .malformed }
        var addresses: [PeerAddress] = []
        while !reader.isAtEnd {
            guard addresses.count < addressLimit else { throw .malformed }
            addresses.append(try PackedAddress.unpack(from: &reader, leftOut: PeerAddress.defaultPort))
        }
        return PairingCode(
            place: Place(inviter: inviter, addresses: addresses), tier: head & 8 != 0 ? .kin : .kith, seed: seed)
    }
}

extension PairingCode: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<pairing code\(place.map { " of " + $0.inviter.short } ?? "")>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["place": place as Any, "tier": tier]) }
}
