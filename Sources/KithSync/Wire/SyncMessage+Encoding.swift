// SPDX-License-Identifier: Apache-2.0

package import KithModel

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
    ///
    /// - Parameter members: The nodes whose logs count; `nil` for all.
    package init(decoding bytes: [UInt8], members: Set<NodeID>? = nil) throws(SyncMessageError) {
        guard bytes.count <= SyncBudget.byteLimit else { throw .tooLong }
        guard bytes.count > 1, bytes[0] == Self.mark else { throw .malformed }
        guard bytes[1] == Self.version else { throw .unknownVersion(bytes[1]) }
        var decoder = SyncMessageDecoder(bytes.dropFirst(2), members: members)
        do throws(ByteReaderError) { self = try decoder.message() } catch { throw .malformed }
    }
}

/// Reads what follows a message's version.
private struct SyncMessageDecoder {
    private static let replicaLimit = 8_192

    private let members: Set<NodeID>?
    private var reader: ByteReader
    /// `nil` for one that does not count.
    private var replicas: [Replica?] = []
    private var strangers: Set<NodeID> = []
    private var operations = 0
    private var seen = 0

    init(_ bytes: ArraySlice<UInt8>, members: Set<NodeID>?) {
        reader = ByteReader(bytes)
        self.members = members
    }

    mutating func message() throws(ByteReaderError) -> SyncMessage {
        let flags = SyncMessage.Flags(rawValue: try reader.byte())
        try readTable()
        var message = SyncMessage(
            versions: try vector(limit: Self.replicaLimit), floor: try vector(limit: Self.replicaLimit),
            isComplete: flags.contains(.complete))
        for _ in 0..<(try reader.count(limit: Self.replicaLimit)) {
            if let range = try range() { message.ranges.append(range) }
        }
        if flags.contains(.holdings) {
            var held: [SyncMessage.Holding] = []
            for _ in 0..<(try reader.count(limit: Self.replicaLimit)) {
                if let holding = try holding() { held.append(holding) }
            }
            message.holdings = held
        }
        guard reader.isAtEnd else { throw .malformed }
        message.strangers = strangers
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
            let replica = Replica(node: try reader.nodeID(), epoch: try reader.uint64())
            let counts = members?.contains(replica.node) ?? true
            replicas.append(counts ? replica : nil)
            if !counts { strangers.insert(replica.node) }
        }
    }

    private mutating func replica() throws(ByteReaderError) -> Replica? {
        let place = try reader.count(limit: Self.replicaLimit)
        guard place < replicas.count else { throw .malformed }
        return replicas[place]
    }

    private mutating func vector(limit: Int) throws(ByteReaderError) -> VersionVector {
        var vector = VersionVector()
        for _ in 0..<(try reader.count(limit: limit)) {
            let replica = try replica()
            let sequence = try sequence()
            guard sequence > 0 else { throw .malformed }
            guard let replica else { continue }
            guard vector[replica] == 0 else { throw .malformed }
            vector.raise(replica, to: sequence)
        }
        return vector
    }

    /// - Returns: `nil` for a log that does not count.
    private mutating func range() throws(ByteReaderError) -> SyncMessage.Range? {
        let replica = try replica()
        let (since, upTo) = (try sequence(), try sequence())
        guard since <= upTo else { throw .malformed }
        var last = since
        let count = try reader.count(limit: SyncBudget.operationLimit - operations)
        operations += count
        var read: [Operation] = []
        for _ in 0..<count {
            let (sequence, operation) = try operation(of: replica)
            guard sequence > last, sequence <= upTo else { throw .malformed }
            last = sequence
            if let operation { read.append(operation) }
        }
        return replica.map { SyncMessage.Range(replica: $0, since: since, upTo: upTo, operations: read) }
    }

    /// - Returns: `nil` for a log that does not count.
    private mutating func holding() throws(ByteReaderError) -> SyncMessage.Holding? {
        let replica = try replica()
        let upTo = try sequence()
        var sequences: [UInt64] = []
        var last: UInt64 = 0
        // Each takes a byte at least.
        for _ in 0..<(try reader.count(limit: reader.remainingCount)) {
            let (sequence, overflow) = last.addingReportingOverflow(try reader.varint())
            guard !overflow, sequence > last, sequence <= upTo else { throw .malformed }
            if replica != nil { sequences.append(sequence) }
            last = sequence
        }
        return replica.map { SyncMessage.Holding(replica: $0, upTo: upTo, sequences: sequences) }
    }

    /// - Returns: With the sequence number the operation; `nil` for one of a log that does not count.
    private mutating func operation(
        of replica: Replica?
    ) throws(ByteReaderError) -> (sequence: UInt64, operation: Operation?) {
        let sequence = try sequence()
        let time = HybridTime(bits: try reader.varint())
        guard let kind = RegisterKey.Kind(rawValue: try reader.byte()),
            let register = RegisterKey(kind, name: try reader.prefixedText(limit: 256)),
            let source = StateSource(try reader.prefixedText(limit: 256))
        else { throw .malformed }
        let seen = try vector(limit: min(Operation.seenLimit, SyncBudget.seenLimit - self.seen))
        self.seen += seen.sequences.count
        let value = try value()
        let operation = replica.map {
            Operation(
                id: OperationID(replica: $0, sequence: sequence), time: time, register: register, source: source,
                value: value, seen: seen)
        }
        return (sequence, operation)
    }

    /// Of a value's JSON. No value is empty: the database knows none that is.
    private mutating func text() throws(ByteReaderError) -> [UInt8] {
        let bytes = Array(try reader.prefixedBytes(limit: Operation.valueLimit))
        guard !bytes.isEmpty else { throw .malformed }
        return bytes
    }

    private mutating func value() throws(ByteReaderError) -> [UInt8]? {
        switch try reader.byte() {
        case 0: nil
        case 1: try text()
        default: throw .malformed
        }
    }
}
