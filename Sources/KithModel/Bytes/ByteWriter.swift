// SPDX-License-Identifier: Apache-2.0

/// Puts bytes one after another, to be taken apart by a ``ByteReader``.
package struct ByteWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    /// - Parameter capacity: about how many bytes there will be.
    package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    package mutating func append(byte: UInt8) { bytes.append(byte) }

    /// Bytes whose number is known from the context.
    package mutating func append(contentsOf field: some Sequence<UInt8>) { bytes.append(contentsOf: field) }

    /// Two bytes, the highest first.
    package mutating func append(uint16 number: UInt16) { append(bigEndian: UInt64(number), width: 2) }

    /// Four bytes, the highest first.
    package mutating func append(uint32 number: UInt32) { append(bigEndian: UInt64(number), width: 4) }

    /// Eight bytes, the highest first.
    package mutating func append(uint64 number: UInt64) { append(bigEndian: number, width: 8) }

    private mutating func append(bigEndian number: UInt64, width: UInt64) {
        for place in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * place))) }
    }

    /// A number in base 128 with the low digits first (LEB128): one to ten bytes.
    package mutating func append(varint number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// The number of elements that follow, as ``append(varint:)``.
    package mutating func append(count: Int) { append(varint: UInt64(clamping: count)) }

    /// Bytes after their ``append(count:)``.
    package mutating func append(prefixed field: some Collection<UInt8>) {
        append(count: field.count)
        bytes.append(contentsOf: field)
    }

    /// The 32 bytes of its digest.
    package mutating func append(_ id: NodeID) { id.append(to: &self) }
}
