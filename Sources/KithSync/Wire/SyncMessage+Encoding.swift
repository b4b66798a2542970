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
