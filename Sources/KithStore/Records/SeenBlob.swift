// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// What an operation's writer had seen, as a column holds it: for each replica the id of its row and the sequence number,
/// by id, each in base 128 with the low digits first (LEB128). The ids mean something in this database only.
struct SeenBlob {
    /// - Returns: `nil` for nothing seen.
    static func encode(_ entries: [(replica: Int64, sequence: UInt64)]) -> Blob? {
        if entries.isEmpty { return nil }
        var writer = ByteWriter(capacity: entries.count * 4)
        for entry in entries.sorted(by: { $0.replica < $1.replica }) {
            writer.append(varint: UInt64(bitPattern: entry.replica))
            writer.append(varint: entry.sequence)
        }
        return Blob(writer.bytes)
    }

    /// - Throws: `DatabaseError` for bytes that ``encode(_:)`` does not write.
    static func decode(_ bytes: [UInt8], replica: (Int64) throws -> Replica) throws -> VersionVector {
        var seen = VersionVector()
        for entry in try entries(bytes) { seen.raise(try replica(entry.replica), to: entry.sequence) }
        return seen
    }

    /// - Throws: `DatabaseError` for bytes that ``encode(_:)`` does not write.
    static func entries(_ bytes: [UInt8]) throws -> [(replica: Int64, sequence: UInt64)] {
        var reader = ByteReader(bytes)
        var entries: [(replica: Int64, sequence: UInt64)] = []
        var last: Int64 = 0
        while let id = try number(from: &reader) {
            guard let id = Int64(exactly: id), id > last, let sequence = try number(from: &reader), sequence > 0,
                entries.count < Operation.seenLimit
            else { throw DatabaseError.damaged("what an operation's writer had seen cannot be read") }
            entries.append((id, sequence))
            last = id
        }
        return entries
    }

    /// - Returns: `nil` at the end.
    private static func number(from reader: inout ByteReader) throws -> UInt64? {
        if reader.isAtEnd { return nil }
        do throws(ByteReaderError) {
            return try reader.varint()
        } catch {
            throw DatabaseError.damaged("what an operation's writer had seen ends too early")
        }
    }
}
