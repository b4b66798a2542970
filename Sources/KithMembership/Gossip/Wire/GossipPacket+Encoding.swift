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
        var writer = ByteWriter()
        writer.append(byte: Self.mark)
        writer.append(byte: Self.versions.lowerBound)
        writer.append(byte: Self.versions.upperBound)
        writer.append(header.instance)
        writer.append(varint: header.incarnation.number)
        writer.append(byte: header.isLeaving ? 1 : 0)
        writer.append(varint: header.declarationVersion)
        let messages = messages.prefix(Self.messageLimit)
        writer.append(count: messages.count)
        for message in messages { writer.append(message) }

        var kept: [[UInt8]] = []
        var size = writer.bytes.count + 2
        for record in records.prefix(Self.recordLimit) {
            let body = record.encodedBody()
            size += body.count + 3
            if size > Self.byteLimit { break }
            kept.append(body)
        }
        writer.append(count: kept.count)
        for body in kept { writer.append(prefixed: body) }
        return writer.bytes
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
        var writer = ByteWriter()
        writer.append(id)
        var flags = state.rawValue
        if instance != nil { flags |= Flag.instance }
        if declaration != nil { flags |= Flag.declaration }
        writer.append(byte: flags)
        if let instance { writer.append(instance) }
        writer.append(varint: incarnation.number)
        let accusers = accusers.prefix(Self.accuserLimit)
        writer.append(count: accusers.count)
        for accuser in accusers { writer.append(accuser) }
        writer.append(varint: declaration?.version ?? declarationVersion)
        if let declaration {
            writer.append(prefixed: declaration.payload.prefix(NodeMetadata.payloadLimit))
            let addresses = declaration.addresses.prefix(NodeMetadata.addressLimit)
            writer.append(count: addresses.count)
            for address in addresses { writer.append(prefixed: address.description.utf8) }
        }
        return writer.bytes
    }
}

extension ByteWriter {
    fileprivate mutating func append(_ instance: InstanceID) {
        append(uint64: UInt64(bitPattern: instance.startedAt.milliseconds))
        append(uint64: instance.salt)
    }

    fileprivate mutating func append(_ message: GossipMessage) {
        var body = ByteWriter()
        switch message {
        case .ping(let sequence), .acknowledgement(let sequence), .negative(let sequence):
            body.append(varint: sequence.number)
        case .pingRequest(let sequence, let target):
            body.append(varint: sequence.number)
            body.append(target)
        case .describeYourself, .digest, .differences: break
        case .cloneNotice(let sighting):
            body.append(sighting.id)
            body.append(sighting.earlier)
            body.append(sighting.later)
        }
        append(byte: message.kind.rawValue)
        append(prefixed: body.bytes)
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
        guard let first = bytes.first else { throw .cutShort }
        guard first == Self.mark else { throw .notGossip }
        var reader = ByteReader(bytes.dropFirst())
        let offered: ClosedRange<UInt8>
        do throws(ByteReaderError) { offered = try reader.versions() } catch { throw GossipPacketError(error) }
        guard Self.versions.overlaps(offered) else { throw .unknownVersion(offered) }
        do throws(ByteReaderError) { self = try reader.packet() } catch { throw GossipPacketError(error) }
    }
}

extension GossipPacketError {
    fileprivate init(_ error: ByteReaderError) {
        switch error {
        case .truncated: self = .cutShort
        case .malformed: self = .malformed
        case .limitExceeded: self = .tooMany
        }
    }
}

extension ByteReader {
    fileprivate mutating func versions() throws(ByteReaderError) -> ClosedRange<UInt8> {
        let (lowest, highest) = (try byte(), try byte())
        guard lowest <= highest else { throw .malformed }
        return lowest...highest
    }

    /// What follows the versions.
    fileprivate mutating func packet() throws(ByteReaderError) -> GossipPacket {
        var packet = GossipPacket(header: try header())
        for _ in 0..<(try count(limit: GossipPacket.messageLimit)) {
            if let message = try message() { packet.messages.append(message) }
        }
        for _ in 0..<(try count(limit: GossipPacket.recordLimit)) { packet.records.append(try record()) }
        guard isAtEnd else { throw .malformed }
        return packet
    }

    private mutating func instance() throws(ByteReaderError) -> InstanceID {
        let startedAt = WallTime(milliseconds: Int64(bitPattern: try uint64()))
        return InstanceID(startedAt: startedAt, salt: try uint64())
    }

    private mutating func header() throws(ByteReaderError) -> GossipPacket.Header {
        GossipPacket.Header(
            instance: try instance(), incarnation: Incarnation(number: try varint()), isLeaving: try byte() & 1 == 1,
            declarationVersion: try varint())
    }

    /// - Returns: `nil` for a kind that this version does not know.
    private mutating func message() throws(ByteReaderError) -> GossipMessage? {
        let kind = GossipMessage.Kind(rawValue: try byte())
        var body = ByteReader(try prefixedBytes(limit: GossipPacket.byteLimit))
        switch kind {
        case .ping: return .ping(try body.sequence())
        case .acknowledgement: return .acknowledgement(try body.sequence())
        case .negative: return .negative(try body.sequence())
        case .pingRequest: return .pingRequest(try body.sequence(), target: try body.nodeID())
        case .describeYourself: return .describeYourself
        case .digest: return .digest
        case .differences: return .differences
        case .cloneNotice:
            guard let sighting = CloneSighting(id: try body.nodeID(), try body.instance(), try body.instance()) else {
                throw .malformed
            }
            return .cloneNotice(sighting)
        case nil: return nil
        }
    }

    private mutating func sequence() throws(ByteReaderError) -> SequenceNumber {
        SequenceNumber(number: try varint())
    }

    private mutating func record() throws(ByteReaderError) -> MemberRecord {
        var body = ByteReader(try prefixedBytes(limit: GossipPacket.byteLimit))
        return try body.recordBody()
    }

    private mutating func recordBody() throws(ByteReaderError) -> MemberRecord {
        let id = try nodeID()
        let flags = try byte()
        guard let state = MemberState(rawValue: flags & MemberRecord.Flag.state) else { throw .malformed }
        let instance = flags & MemberRecord.Flag.instance != 0 ? try instance() : nil
        let incarnation = Incarnation(number: try varint())
        var accusers: [NodeID] = []
        for _ in 0..<(try count(limit: MemberRecord.accuserLimit)) { accusers.append(try nodeID()) }
        let version = try varint()
        let hasDeclaration = flags & MemberRecord.Flag.declaration != 0
        return MemberRecord(
            id: id, instance: instance, incarnation: incarnation, state: state, accusers: accusers,
            declarationVersion: version, declaration: hasDeclaration ? try declaration(version: version) : nil)
    }

    private mutating func declaration(version: UInt64) throws(ByteReaderError) -> NodeMetadata {
        let payload = Array(try prefixedBytes(limit: NodeMetadata.payloadLimit))
        var addresses: [PeerAddress] = []
        for _ in 0..<(try count(limit: NodeMetadata.addressLimit)) {
            guard let address = PeerAddress(try prefixedText(limit: 300)) else { throw .malformed }
            addresses.append(address)
        }
        return NodeMetadata(version: version, payload: payload, addresses: addresses)
    }
}
