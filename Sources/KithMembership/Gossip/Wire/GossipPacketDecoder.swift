// SPDX-License-Identifier: Apache-2.0

import KithModel

extension GossipPacket {
    /// Reads what ``encoded()`` wrote. Messages of unknown kinds, and bytes that a later version added to a message or a
    /// record, are skipped.
    package init(decoding bytes: [UInt8]) throws(GossipPacketProblem) {
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

    mutating func byte() throws(GossipPacketProblem) -> UInt8 {
        guard let byte = rest.popFirst() else { throw .cutShort }
        return byte
    }

    mutating func number() throws(GossipPacketProblem) -> UInt64 {
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

    mutating func count(limit: Int) throws(GossipPacketProblem) -> Int {
        guard let count = Int(exactly: try number()), count <= limit else { throw .tooMany }
        return count
    }

    mutating func block(limit: Int) throws(GossipPacketProblem) -> ArraySlice<UInt8> {
        try bytes(try count(limit: limit))
    }

    private mutating func bytes(_ count: Int) throws(GossipPacketProblem) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw .cutShort }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func word() throws(GossipPacketProblem) -> UInt64 {
        try bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func id() throws(GossipPacketProblem) -> NodeID {
        guard let id = NodeID(digest: try bytes(32)) else { throw .malformed }
        return id
    }

    mutating func instance() throws(GossipPacketProblem) -> InstanceID {
        let startedAt = WallTime(milliseconds: Int64(bitPattern: try word()))
        return InstanceID(startedAt: startedAt, salt: try word())
    }

    mutating func header() throws(GossipPacketProblem) -> GossipPacket.Header {
        GossipPacket.Header(
            instance: try instance(), incarnation: Incarnation(number: try number()), isLeaving: try byte() & 1 == 1,
            declarationVersion: try number())
    }

    /// - Returns: `nil` for a kind that this version does not know.
    mutating func message() throws(GossipPacketProblem) -> GossipMessage? {
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

    private mutating func sequence() throws(GossipPacketProblem) -> SequenceNumber {
        SequenceNumber(number: try number())
    }

    mutating func record() throws(GossipPacketProblem) -> MemberRecord {
        var body = PacketReader(try block(limit: GossipPacket.byteLimit))
        return try body.recordBody()
    }

    private mutating func recordBody() throws(GossipPacketProblem) -> MemberRecord {
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

    private mutating func declaration(version: UInt64) throws(GossipPacketProblem) -> Declaration {
        let payload = Array(try block(limit: Declaration.payloadLimit))
        var addresses: [PeerAddress] = []
        for _ in 0..<(try count(limit: Declaration.addressLimit)) {
            guard let text = String(validating: try block(limit: 300), as: UTF8.self),
                let address = PeerAddress(text)
            else { throw .malformed }
            addresses.append(address)
        }
        return Declaration(version: version, payload: payload, addresses: addresses)
    }
}
