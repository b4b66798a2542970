// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The form of packets on the wire, version 1. Numbers of unknown size are LEB128, others big-endian.
///
///     packet   0x4B, lowest version, highest version, header, count, message…, count, record…
///     header   instance, incarnation, flags (1: leaving), declaration version
///     message  kind, length, body
///     record   length, id (32), flags and state, [instance], incarnation, count, accuser…, declaration version,
///              [length, payload, count, (length, address)…]
///     instance milliseconds (8), salt (8)
///
/// Messages and records carry their length, so that a later version can add to them and this one skips what it does not know.
extension GossipPacket {
    package static let versions: ClosedRange<UInt8> = 1...1
    static let mark: UInt8 = 0x4B

    /// At most ``byteLimit`` bytes: records that do not fit are left out, and go with a later packet.
    package func encoded() -> [UInt8] {
        var bytes = PacketBytes()
        bytes.append(byte: Self.mark)
        bytes.append(byte: Self.versions.lowerBound)
        bytes.append(byte: Self.versions.upperBound)
        bytes.append(header.instance)
        bytes.append(number: header.incarnation.number)
        bytes.append(byte: header.isLeaving ? 1 : 0)
        bytes.append(number: header.declarationVersion)
        let messages = messages.prefix(Self.messageLimit)
        bytes.append(number: UInt64(messages.count))
        for message in messages { bytes.append(message) }

        var kept: [[UInt8]] = []
        var size = bytes.bytes.count + 2
        for record in records.prefix(Self.recordLimit) {
            let body = record.encodedBody()
            size += body.count + 3
            if size > Self.byteLimit { break }
            kept.append(body)
        }
        bytes.append(number: UInt64(kept.count))
        for body in kept { bytes.append(block: body) }
        return bytes.bytes
    }
}

extension MemberRecord {
    /// Bits of the byte that holds state and flags; the state takes the lower three.
    enum Flag {
        static let state: UInt8 = 0b111
        static let instance: UInt8 = 0b1000
        static let declaration: UInt8 = 0b1_0000
    }

    /// About how many bytes this takes in a packet; never less than it really takes.
    var encodedSizeBound: Int {
        let addresses = declaration?.addresses.reduce(0) { $0 + $1.host.utf8.count + 10 } ?? 0
        return 84 + 32 * accusers.count + (declaration.map { $0.payload.count + 4 } ?? 0) + addresses
    }

    fileprivate func encodedBody() -> [UInt8] {
        var bytes = PacketBytes()
        bytes.append(id)
        var flags = state.rawValue
        if instance != nil { flags |= Flag.instance }
        if declaration != nil { flags |= Flag.declaration }
        bytes.append(byte: flags)
        if let instance { bytes.append(instance) }
        bytes.append(number: incarnation.number)
        let accusers = accusers.prefix(Self.accuserLimit)
        bytes.append(number: UInt64(accusers.count))
        for accuser in accusers { bytes.append(accuser) }
        bytes.append(number: declaration?.version ?? declarationVersion)
        if let declaration {
            bytes.append(block: declaration.payload.prefix(NodeMetadata.payloadLimit))
            let addresses = declaration.addresses.prefix(NodeMetadata.addressLimit)
            bytes.append(number: UInt64(addresses.count))
            for address in addresses { bytes.append(block: address.description.utf8) }
        }
        return bytes.bytes
    }
}

/// Bytes under construction.
private struct PacketBytes {
    var bytes: [UInt8] = []

    mutating func append(byte: UInt8) { bytes.append(byte) }

    mutating func append(number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func append(word: UInt64) {
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: word >> shift))
        }
    }

    mutating func append(block: some Collection<UInt8>) {
        append(number: UInt64(block.count))
        bytes.append(contentsOf: block)
    }

    mutating func append(_ id: NodeID) { bytes.append(contentsOf: id.digest) }

    mutating func append(_ instance: InstanceID) {
        append(word: UInt64(bitPattern: instance.startedAt.milliseconds))
        append(word: instance.salt)
    }

    mutating func append(_ message: GossipMessage) {
        var body = PacketBytes()
        switch message {
        case .ping(let sequence), .acknowledgement(let sequence), .negative(let sequence):
            body.append(number: sequence.number)
        case .pingRequest(let sequence, let target):
            body.append(number: sequence.number)
            body.append(target)
        case .describeYourself, .digest, .differences: break
        case .cloneNotice(let sighting):
            body.append(sighting.id)
            body.append(sighting.earlier)
            body.append(sighting.later)
        }
        append(byte: message.kind.rawValue)
        append(block: body.bytes)
    }
}

extension GossipMessage {
    enum Kind: UInt8 {
        case ping = 1, acknowledgement, negative, pingRequest, describeYourself, digest, differences, cloneNotice
    }

    fileprivate var kind: Kind {
        switch self {
        case .ping: .ping
        case .acknowledgement: .acknowledgement
        case .negative: .negative
        case .pingRequest: .pingRequest
        case .describeYourself: .describeYourself
        case .digest: .digest
        case .differences: .differences
        case .cloneNotice: .cloneNotice
        }
    }
}

extension GossipPacket {
    /// Reads what ``encoded()`` wrote. Messages of unknown kinds, and bytes that a later version added to a message or a
    /// record, are skipped.
    package init(decoding bytes: [UInt8]) throws(GossipPacketError) {
        guard bytes.count <= Self.byteLimit else { throw .tooLong }
        var reader = PacketReader(bytes[...])
        guard try reader.byte() == Self.mark else { throw .notGossip }
        let (lowest, highest) = (try reader.byte(), try reader.byte())
        guard lowest <= highest else { throw .malformed }
        guard Self.versions.overlaps(lowest...highest) else { throw .unknownVersion(lowest...highest) }
        header = try reader.header()
        messages = []
        for _ in 0..<(try reader.count(limit: Self.messageLimit)) {
            if let message = try reader.message() { messages.append(message) }
        }
        records = []
        for _ in 0..<(try reader.count(limit: Self.recordLimit)) { records.append(try reader.record()) }
        guard reader.isAtEnd else { throw .malformed }
    }
}

/// Reads the parts of a packet one after the other; never beyond the end.
private struct PacketReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() throws(GossipPacketError) -> UInt8 {
        guard let byte = rest.popFirst() else { throw .cutShort }
        return byte
    }

    mutating func number() throws(GossipPacketError) -> UInt64 {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            let byte = try byte()
            let bits = UInt64(byte & 0x7F)
            guard shift < 63 || bits <= 1 else { throw .malformed }
            number |= bits << shift
            if byte & 0x80 == 0 { return number }
        }
        throw .malformed
    }

    mutating func count(limit: Int) throws(GossipPacketError) -> Int {
        guard let count = Int(exactly: try number()), count <= limit else { throw .tooMany }
        return count
    }

    mutating func block(limit: Int) throws(GossipPacketError) -> ArraySlice<UInt8> {
        try bytes(try count(limit: limit))
    }

    private mutating func bytes(_ count: Int) throws(GossipPacketError) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw .cutShort }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func word() throws(GossipPacketError) -> UInt64 {
        try bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func id() throws(GossipPacketError) -> NodeID {
        guard let id = NodeID(digest: try bytes(32)) else { throw .malformed }
        return id
    }

    mutating func instance() throws(GossipPacketError) -> InstanceID {
        let startedAt = WallTime(milliseconds: Int64(bitPattern: try word()))
        return InstanceID(startedAt: startedAt, salt: try word())
    }

    mutating func header() throws(GossipPacketError) -> GossipPacket.Header {
        GossipPacket.Header(
            instance: try instance(), incarnation: Incarnation(number: try number()), isLeaving: try byte() & 1 == 1,
            declarationVersion: try number())
    }

    /// - Returns: `nil` for a kind that this version does not know.
    mutating func message() throws(GossipPacketError) -> GossipMessage? {
        let kind = GossipMessage.Kind(rawValue: try byte())
        var body = PacketReader(try block(limit: GossipPacket.byteLimit))
        switch kind {
        case .ping: return .ping(try body.sequence())
        case .acknowledgement: return .acknowledgement(try body.sequence())
        case .negative: return .negative(try body.sequence())
        case .pingRequest: return .pingRequest(try body.sequence(), target: try body.id())
        case .describeYourself: return .describeYourself
        case .digest: return .digest
        case .differences: return .differences
        case .cloneNotice:
            guard let sighting = CloneSighting(id: try body.id(), try body.instance(), try body.instance()) else {
                throw .malformed
            }
            return .cloneNotice(sighting)
        case nil: return nil
        }
    }

    private mutating func sequence() throws(GossipPacketError) -> SequenceNumber {
        SequenceNumber(number: try number())
    }

    mutating func record() throws(GossipPacketError) -> MemberRecord {
        var body = PacketReader(try block(limit: GossipPacket.byteLimit))
        return try body.recordBody()
    }

    private mutating func recordBody() throws(GossipPacketError) -> MemberRecord {
        let id = try id()
        let flags = try byte()
        guard let state = MemberState(rawValue: flags & MemberRecord.Flag.state) else { throw .malformed }
        let instance = flags & MemberRecord.Flag.instance != 0 ? try instance() : nil
        let incarnation = Incarnation(number: try number())
        var accusers: [NodeID] = []
        for _ in 0..<(try count(limit: MemberRecord.accuserLimit)) { accusers.append(try self.id()) }
        let version = try number()
        let hasDeclaration = flags & MemberRecord.Flag.declaration != 0
        return MemberRecord(
            id: id, instance: instance, incarnation: incarnation, state: state, accusers: accusers,
            declarationVersion: version, declaration: hasDeclaration ? try declaration(version: version) : nil)
    }

    private mutating func declaration(version: UInt64) throws(GossipPacketError) -> NodeMetadata {
        let payload = Array(try block(limit: NodeMetadata.payloadLimit))
        var addresses: [PeerAddress] = []
        for _ in 0..<(try count(limit: NodeMetadata.addressLimit)) {
            guard let text = String(validating: try block(limit: 300), as: UTF8.self),
                let address = PeerAddress(text)
            else { throw .malformed }
            addresses.append(address)
        }
        return NodeMetadata(version: version, payload: payload, addresses: addresses)
    }
}
