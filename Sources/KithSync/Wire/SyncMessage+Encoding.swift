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

    /// Replicas are written once, in a table at the beginning, and named by their place in it.
    package func encoded() -> [UInt8] {
        var table = ReplicaTable()
        var body = MessageWriter()
        body.put(versions, in: &table)
        body.put(floor, in: &table)
        body.put(count: ranges.count)
        for range in ranges { body.put(range, in: &table) }
        if let holdings {
            body.put(count: holdings.count)
            for holding in holdings { body.put(holding, in: &table) }
        }
        var head = MessageWriter()
        head.put(byte: Self.mark)
        head.put(byte: Self.version)
        head.put(byte: (holdings != nil ? Flags.holdings.rawValue : 0) | (isComplete ? Flags.complete.rawValue : 0))
        head.put(table)
        return head.bytes + body.bytes
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

/// Numbers are written seven bits to a byte, the lowest first, as in LEB128; text and values follow their length.
private struct MessageWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(byte: UInt8) { bytes.append(byte) }

    mutating func put(count: Int) { put(UInt64(clamping: count)) }

    mutating func put(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func put(counted field: some Collection<UInt8>) {
        put(count: field.count)
        bytes.append(contentsOf: field)
    }

    mutating func put(_ table: ReplicaTable) {
        put(count: table.replicas.count)
        for replica in table.replicas {
            bytes.append(contentsOf: replica.node.digest)
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: replica.epoch >> shift))
            }
        }
    }

    mutating func put(_ vector: VersionVector, in table: inout ReplicaTable) {
        put(count: vector.sequences.count)
        for replica in vector.sequences.keys.sorted() {
            put(count: table.place(of: replica))
            put(vector[replica])
        }
    }

    mutating func put(_ range: SyncMessage.Range, in table: inout ReplicaTable) {
        put(count: table.place(of: range.replica))
        put(range.since)
        put(range.upTo)
        put(count: range.operations.count)
        for operation in range.operations { put(operation, in: &table) }
    }

    mutating func put(_ holding: SyncMessage.Holding, in table: inout ReplicaTable) {
        put(count: table.place(of: holding.replica))
        put(holding.upTo)
        put(count: holding.sequences.count)
        var last: UInt64 = 0
        for sequence in holding.sequences {
            put(sequence &- last)
            last = sequence
        }
    }

    private mutating func put(_ operation: Operation, in table: inout ReplicaTable) {
        put(operation.id.sequence)
        put(operation.time.bits)
        put(byte: operation.register.kind.rawValue)
        put(counted: operation.register.name.utf8)
        put(counted: operation.source.text.utf8)
        put(operation.seen, in: &table)
        guard let value = operation.value else { return put(byte: 0) }
        put(byte: 1)
        put(counted: value)
    }
}

/// Why bytes are no message.
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
        var reader = MessageReader(bytes[...])
        guard try reader.byte() == Self.mark else { throw .malformed }
        let version = try reader.byte()
        guard version == Self.version else { throw .unknownVersion(version) }
        let flags = Flags(rawValue: try reader.byte())
        try reader.readTable()
        versions = try reader.vector(limit: MessageReader.replicaLimit)
        floor = try reader.vector(limit: MessageReader.replicaLimit)
        isComplete = flags.contains(.complete)
        ranges = []
        for _ in 0..<(try reader.count(limit: MessageReader.replicaLimit)) { ranges.append(try reader.range()) }
        holdings = nil
        if flags.contains(.holdings) {
            var held: [Holding] = []
            for _ in 0..<(try reader.count(limit: MessageReader.replicaLimit)) { held.append(try reader.holding()) }
            holdings = held
        }
        guard reader.isAtEnd else { throw .malformed }
    }
}

/// Reads the parts of a message one after the other; never beyond the end.
private struct MessageReader {
    static let replicaLimit = 8_192

    private var rest: ArraySlice<UInt8>
    private var replicas: [Replica] = []
    private var operations = 0

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() throws(SyncMessageError) -> UInt8 {
        guard let byte = rest.popFirst() else { throw .malformed }
        return byte
    }

    mutating func number() throws(SyncMessageError) -> UInt64 {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let next = try byte()
            let part = UInt64(next & 0x7F)
            guard shift < 63 || part <= 1 else { throw .malformed }
            number |= part << shift
            if next < 0x80 { return number }
        }
        throw .malformed
    }

    /// A sequence number, or what counts them; databases hold 63 bits.
    mutating func sequence() throws(SyncMessageError) -> UInt64 {
        let number = try number()
        guard number <= UInt64(Int64.max) else { throw .malformed }
        return number
    }

    mutating func count(limit: Int) throws(SyncMessageError) -> Int {
        guard let count = Int(exactly: try number()), count <= limit else { throw .malformed }
        return count
    }

    private mutating func fixed(_ count: Int) throws(SyncMessageError) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw .malformed }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private mutating func text(limit: Int) throws(SyncMessageError) -> String {
        let bytes = try fixed(try count(limit: limit))
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed }
        return text
    }

    mutating func readTable() throws(SyncMessageError) {
        for _ in 0..<(try count(limit: Self.replicaLimit)) {
            guard let node = NodeID(digest: try fixed(32)) else { throw .malformed }
            let epoch = try fixed(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            replicas.append(Replica(node: node, epoch: epoch))
        }
    }

    private mutating func replica() throws(SyncMessageError) -> Replica {
        let place = try count(limit: Self.replicaLimit)
        guard place < replicas.count else { throw .malformed }
        return replicas[place]
    }

    mutating func vector(limit: Int) throws(SyncMessageError) -> VersionVector {
        var vector = VersionVector()
        for _ in 0..<(try count(limit: limit)) {
            let replica = try replica()
            let sequence = try sequence()
            guard sequence > 0, vector[replica] == 0 else { throw .malformed }
            vector.raise(replica, to: sequence)
        }
        return vector
    }

    mutating func range() throws(SyncMessageError) -> SyncMessage.Range {
        let replica = try replica()
        var range = SyncMessage.Range(replica: replica, since: try sequence(), upTo: try sequence(), operations: [])
        guard range.since <= range.upTo else { throw .malformed }
        var last = range.since
        for _ in 0..<(try count(limit: SyncBudget.operationLimit - operations)) {
            let operation = try operation(of: replica)
            guard operation.id.sequence > last, operation.id.sequence <= range.upTo else { throw .malformed }
            last = operation.id.sequence
            range.operations.append(operation)
        }
        operations += range.operations.count
        return range
    }

    mutating func holding() throws(SyncMessageError) -> SyncMessage.Holding {
        var holding = SyncMessage.Holding(replica: try replica(), upTo: try sequence(), sequences: [])
        var last: UInt64 = 0
        // Each takes a byte at least.
        for _ in 0..<(try count(limit: rest.count)) {
            let (sequence, overflow) = last.addingReportingOverflow(try number())
            guard !overflow, sequence > last, sequence <= holding.upTo else { throw .malformed }
            holding.sequences.append(sequence)
            last = sequence
        }
        return holding
    }

    private mutating func operation(of replica: Replica) throws(SyncMessageError) -> Operation {
        let id = OperationID(replica: replica, sequence: try sequence())
        let time = HybridTime(bits: try number())
        guard let kind = RegisterKey.Kind(rawValue: try byte()),
            let register = RegisterKey(kind, name: try text(limit: 256)), let source = StateSource(try text(limit: 256))
        else { throw .malformed }
        let seen = try vector(limit: Operation.seenLimit)
        return Operation(
            id: id, time: time, register: register, source: source, value: try value(), seen: seen)
    }

    private mutating func value() throws(SyncMessageError) -> [UInt8]? {
        switch try byte() {
        case 0: nil
        case 1: Array(try fixed(try count(limit: Operation.valueLimit)))
        default: throw .malformed
        }
    }
}
