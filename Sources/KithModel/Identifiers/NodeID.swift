// SPDX-License-Identifier: Apache-2.0

/// Identifies a node for certain: the SHA-256 digest of the node's public key.
///
/// A peer proves in the TLS handshake that it holds the key, so an id cannot be claimed by somebody else. Written as eight
/// groups of seven characters: the digest in base32 (RFC 4648, section 6, without padding), a check character after each 13.
package struct NodeID: Hashable, Sendable, Comparable {
    // The digest as big-endian words. Not a SIMD vector: its alignment is more than the frames of asynchronous functions
    // have.
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    /// - Returns: `nil` unless there are exactly 32 bytes.
    package init?(digest: some Collection<UInt8>) {
        guard digest.count == 32 else { return nil }
        var reader = ByteReader(Array(digest))
        guard let id = try? NodeID(reading: &reader) else { return nil }  // fails for fewer bytes only
        self = id
    }

    /// For ``ByteReader/nodeID()``.
    init(reading reader: inout ByteReader) throws(ByteReaderError) {
        first = try reader.uint64()
        second = try reader.uint64()
        third = try reader.uint64()
        fourth = try reader.uint64()
    }

    /// For ``ByteWriter/append(_:)``.
    func append(to writer: inout ByteWriter) {
        writer.append(uint64: first)
        writer.append(uint64: second)
        writer.append(uint64: third)
        writer.append(uint64: fourth)
    }

    /// The 32 bytes of the digest.
    package var digest: [UInt8] {
        var writer = ByteWriter(capacity: 32)
        writer.append(self)
        return writer.bytes
    }

    package static func < (left: NodeID, right: NodeID) -> Bool {
        (left.first, left.second, left.third, left.fourth) < (right.first, right.second, right.third, right.fourth)
    }
}

extension NodeID: CustomStringConvertible {
    /// The number of characters before each check character.
    private static let run = 13

    /// Eight groups of seven characters with hyphens between them.
    package var description: String {
        var text: [UInt8] = []
        let digits = Base32.encode(digest)
        for start in stride(from: 0, to: digits.count, by: Self.run) {
            let run = digits[start..<min(start + Self.run, digits.count)]
            text.append(contentsOf: run)
            text.append(Base32.checkCharacter(of: run))
        }
        let groups = stride(from: 0, to: text.count, by: 7).map {
            String(decoding: text[$0..<min($0 + 7, text.count)], as: UTF8.self)
        }
        return groups.joined(separator: "-")
    }

    /// The first group: enough for people to tell their nodes apart, never for a decision.
    package var short: String { String(description.prefix(7)) }

    /// Reads the written form; case, hyphens and spaces do not matter.
    ///
    /// - Returns: `nil` when a character is missing, unknown, or does not agree with its check character.
    package init?(_ text: String) {
        var characters: [UInt8] = []
        for byte in text.utf8 where byte != UInt8(ascii: "-") && byte != UInt8(ascii: " ") {
            guard characters.count < 56, let upper = Base32.normalised(byte) else { return nil }
            characters.append(upper)
        }
        guard characters.count == 56 else { return nil }
        var digits: [UInt8] = []
        for start in stride(from: 0, to: 56, by: Self.run + 1) {
            let run = characters[start..<start + Self.run]
            guard Base32.checkCharacter(of: run) == characters[start + Self.run] else { return nil }
            digits.append(contentsOf: run)
        }
        guard let digest = Base32.decode(digits) else { return nil }
        self.init(digest: digest)
    }
}

extension NodeID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = NodeID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a node id")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// The human-readable name under which a node appears in routes, status and logs.
///
/// 1 to 64 characters from `A-Z a-z 0-9 . _ -`, so that it can stand in a header, a file name and a
/// command line without quoting.
package struct NodeName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: String

    /// - Returns: `nil` when `rawValue` is empty, longer than 64 characters or holds another character.
    package init?(_ rawValue: String) {
        guard (1...64).contains(rawValue.utf8.count), rawValue.utf8.allSatisfy(Self.isAllowed) else { return nil }
        self.rawValue = rawValue
    }

    package var description: String { rawValue }

    package static func < (left: NodeName, right: NodeName) -> Bool { left.rawValue < right.rawValue }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension NodeName: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let name = NodeName(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a node name")
        }
        self = name
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// One run of a node, from its start to its end; later runs of the same node are greater, as far as its clock can be
/// trusted.
///
/// Tells a node that returned from one that never left, and two running copies of one data folder from each other.
package struct InstanceID: Hashable, Sendable, Comparable, Codable {
    package let startedAt: WallTime
    /// Drawn at the start, so that copies started in the same millisecond differ.
    package let salt: UInt64

    package init(startedAt: WallTime, salt: UInt64) {
        self.startedAt = startedAt
        self.salt = salt
    }

    package static func < (left: InstanceID, right: InstanceID) -> Bool {
        (left.startedAt, left.salt) < (right.startedAt, right.salt)
    }
}
