// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// What an operation's writer had seen, as a column holds it: for each replica the id of its row and the sequence number,
/// by id, each in base 128 with the low digits first (LEB128). The ids mean something in this database only.
struct SeenBlob {
    /// - Returns: `nil` for nothing seen.
    static func encode(_ entries: [(replica: Int64, sequence: UInt64)]) -> Blob? {
        if entries.isEmpty { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.count * 4)
        for entry in entries.sorted(by: { $0.replica < $1.replica }) {
            append(UInt64(bitPattern: entry.replica), to: &bytes)
            append(entry.sequence, to: &bytes)
        }
        return Blob(bytes)
    }

    /// - Throws: `DatabaseError` for bytes that ``encode(_:)`` does not write.
    static func decode(_ bytes: some Sequence<UInt8>, replica: (Int64) throws -> Replica) throws -> VersionVector {
        var rest = bytes.makeIterator()
        var seen = VersionVector()
        var last: Int64 = 0
        while let id = try number(from: &rest) {
            guard let id = Int64(exactly: id), id > last, let sequence = try number(from: &rest), sequence > 0,
                seen.sequences.count < Operation.seenLimit
            else { throw DatabaseError.damaged("what an operation's writer had seen cannot be read") }
            seen.raise(try replica(id), to: sequence)
            last = id
        }
        return seen
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// - Returns: `nil` at the end.
    private static func number(from rest: inout some IteratorProtocol<UInt8>) throws -> UInt64? {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.next() else {
                if shift == 0 { return nil }
                break
            }
            let digit = UInt64(byte & 0x7F)
            guard shift < 63 || digit <= 1 else { break }
            number |= digit << shift
            if byte < 0x80 { return number }
        }
        throw DatabaseError.damaged("what an operation's writer had seen ends too early")
    }
}
