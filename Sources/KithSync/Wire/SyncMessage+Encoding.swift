// SPDX-License-Identifier: Apache-2.0

import KithModel

extension SyncMessage {
    /// The first byte of a message, and the version of its form.
    static let mark: UInt8 = 0x6C
    static let version: UInt8 = 1

    struct Flags: OptionSet {
        static let holdings = Flags(rawValue: 1)
        static let complete = Flags(rawValue: 2)
        let rawValue: UInt8
    }

    /// Replicas are written once, in a table at the beginning, and named by their place in it. Numbers are LEB128; text and
    /// values follow their length.
    package func encoded() -> [UInt8] {
        var table = ReplicaTable()
        var body = ByteWriter()
        body.append(versions, in: &table)
        body.append(floor, in: &table)
        body.append(count: ranges.count)
        for range in ranges { body.append(range, in: &table) }
        if let holdings {
            body.append(count: holdings.count)
            for holding in holdings { body.append(holding, in: &table) }
        }
        var message = ByteWriter()
        message.append(byte: Self.mark)
        message.append(byte: Self.version)
        message.append(
            byte: (holdings != nil ? Flags.holdings.rawValue : 0) | (isComplete ? Flags.complete.rawValue : 0))
        message.append(table)
        message.append(contentsOf: body.bytes)
        return message.bytes
    }
}

/// The replicas of a message, by place.
struct ReplicaTable {
    private(set) var replicas: [Replica] = []
    private var places: [Replica: Int] = [:]

    mutating func place(of replica: Replica) -> Int {
        if let place = places[replica] { return place }
        places[replica] = replicas.count
        replicas.append(replica)
        return replicas.count - 1
    }
}

extension ByteWriter {
    fileprivate mutating func append(_ table: ReplicaTable) {
        append(count: table.replicas.count)
        for replica in table.replicas {
            append(replica.node)
            append(uint64: replica.epoch)
        }
    }

    fileprivate mutating func append(_ vector: VersionVector, in table: inout ReplicaTable) {
        append(count: vector.sequences.count)
        for replica in vector.sequences.keys.sorted() {
            append(count: table.place(of: replica))
            append(varint: vector[replica])
        }
    }

    fileprivate mutating func append(_ range: SyncMessage.Range, in table: inout ReplicaTable) {
        append(count: table.place(of: range.replica))
        append(varint: range.since)
        append(varint: range.upTo)
        append(count: range.operations.count)
        for operation in range.operations { append(operation, in: &table) }
    }

    fileprivate mutating func append(_ holding: SyncMessage.Holding, in table: inout ReplicaTable) {
        append(count: table.place(of: holding.replica))
        append(varint: holding.upTo)
        append(count: holding.sequences.count)
        var last: UInt64 = 0
        for sequence in holding.sequences {
            append(varint: sequence &- last)
            last = sequence
        }
    }

    private mutating func append(_ operation: Operation, in table: inout ReplicaTable) {
        append(varint: operation.id.sequence)
        append(varint: operation.time.bits)
        append(byte: operation.register.kind.rawValue)
        append(prefixed: operation.register.name.utf8)
        append(prefixed: operation.source.text.utf8)
        append(operation.seen, in: &table)
        guard let value = operation.value else { return append(byte: 0) }
        append(byte: 1)
        append(prefixed: value)
    }
}

/// Why bytes are not a message.
package enum SyncMessageError: Error, Hashable, Sendable, CustomStringConvertible {
    case tooLong
    /// Of another version of this form.
    case unknownVersion(UInt8)
    case malformed

    package var description: String {
        switch self {
        case .tooLong: "more than \(SyncBudget.byteLimit) bytes"
        case .unknownVersion(let version): "of version \(version), which this node does not speak"
        case .malformed: "not a message about the shared state"
        }
    }
}

extension SyncMessage {
    /// Reads what ``encoded()`` wrote.
    package init(decoding bytes: [UInt8]) throws(SyncMessageError) {
        guard bytes.count <= SyncBudget.byteLimit else { throw .tooLong }
        guard bytes.count > 1, bytes[0] == Self.mark else { throw .malformed }
        guard bytes[1] == Self.version else { throw .unknownVersion(bytes[1]) }
        var decoder = SyncMessageDecoder(bytes.dropFirst(2))
        do throws(ByteReaderError) { self = try decoder.message() } catch { throw .malformed }
    }
}

/// Reads what follows a message's version.
private struct SyncMessageDecoder {
    private static let replicaLimit = 8_192

    private var reader: ByteReader
    private var replicas: [Replica] = []
    private var operations = 0

    init(_ bytes: ArraySlice<UInt8>) { reader = ByteReader(bytes) }

    mutating func message() throws(ByteReaderError) -> SyncMessage {
        let flags = SyncMessage.Flags(rawValue: try reader.byte())
        try readTable()
        var message = SyncMessage(
            versions: try vector(limit: Self.replicaLimit), floor: try vector(limit: Self.replicaLimit),
            isComplete: flags.contains(.complete))
        for _ in 0..<(try reader.count(limit: Self.replicaLimit)) { message.ranges.append(try range()) }
        if flags.contains(.holdings) {
            var held: [SyncMessage.Holding] = []
            for _ in 0..<(try reader.count(limit: Self.replicaLimit)) { held.append(try holding()) }
            message.holdings = held
        }
        guard reader.isAtEnd else { throw .malformed }
        return message
    }

    /// A sequence number, or a count of them; databases hold 63 bits.
    private mutating func sequence() throws(ByteReaderError) -> UInt64 {
        let number = try reader.varint()
        guard number <= UInt64(Int64.max) else { throw .malformed }
        return number
    }

    private mutating func readTable() throws(ByteReaderError) {
        for _ in 0..<(try reader.count(limit: Self.replicaLimit)) {
            replicas.append(Replica(node: try reader.nodeID(), epoch: try reader.uint64()))
        }
    }

    private mutating func replica() throws(ByteReaderError) -> Replica {
        let place = try reader.count(limit: Self.replicaLimit)
        guard place < replicas.count else { throw .malformed }
        return replicas[place]
    }

    private mutating func vector(limit: Int) throws(ByteReaderError) -> VersionVector {
        var vector = VersionVector()
        for _ in 0..<(try reader.count(limit: limit)) {
            let replica = try replica()
            let sequence = try sequence()
            guard sequence > 0, vector[replica] == 0 else { throw .malformed }
            vector.raise(replica, to: sequence)
        }
        return vector
    }

    private mutating func range() throws(ByteReaderError) -> SyncMessage.Range {
        let replica = try replica()
        var range = SyncMessage.Range(replica: replica, since: try sequence(), upTo: try sequence(), operations: [])
        guard range.since <= range.upTo else { throw .malformed }
        var last = range.since
        for _ in 0..<(try reader.count(limit: SyncBudget.operationLimit - operations)) {
            let operation = try operation(of: replica)
            guard operation.id.sequence > last, operation.id.sequence <= range.upTo else { throw .malformed }
            last = operation.id.sequence
            range.operations.append(operation)
        }
        operations += range.operations.count
        return range
    }

    private mutating func holding() throws(ByteReaderError) -> SyncMessage.Holding {
        var holding = SyncMessage.Holding(replica: try replica(), upTo: try sequence(), sequences: [])
        var last: UInt64 = 0
        // Each takes a byte at least.
        for _ in 0..<(try reader.count(limit: reader.remainingCount)) {
            let (sequence, overflow) = last.addingReportingOverflow(try reader.varint())
            guard !overflow, sequence > last, sequence <= holding.upTo else { throw .malformed }
            holding.sequences.append(sequence)
            last = sequence
        }
        return holding
    }

    private mutating func operation(of replica: Replica) throws(ByteReaderError) -> Operation {
        let id = OperationID(replica: replica, sequence: try sequence())
        let time = HybridTime(bits: try reader.varint())
        guard let kind = RegisterKey.Kind(rawValue: try reader.byte()),
            let register = RegisterKey(kind, name: try reader.prefixedText(limit: 256)),
            let source = StateSource(try reader.prefixedText(limit: 256))
        else { throw .malformed }
        let seen = try vector(limit: Operation.seenLimit)
        return Operation(
            id: id, time: time, register: register, source: source, value: try value(), seen: seen)
    }

    private mutating func value() throws(ByteReaderError) -> [UInt8]? {
        switch try reader.byte() {
        case 0: nil
        case 1: Array(try reader.prefixedBytes(limit: Operation.valueLimit))
        default: throw .malformed
        }
    }
}
