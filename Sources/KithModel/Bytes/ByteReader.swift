// SPDX-License-Identifier: Apache-2.0

/// Takes apart what a ``ByteWriter`` put together, one thing after the other and never beyond the end.
///
/// After an error the position of the reader is undefined: nothing after it is worth reading.
package struct ByteReader: Sendable {
    private let storage: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        storage = bytes
        position = bytes.startIndex
    }

    package init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    package var isAtEnd: Bool { position == storage.endIndex }

    /// How many bytes have not been read.
    package var remainingCount: Int { storage.endIndex - position }

    package mutating func byte() throws(ByteReaderError) -> UInt8 {
        guard position < storage.endIndex else { throw .truncated }
        defer { position += 1 }
        return storage[position]
    }

    /// Bytes whose number is known from the context.
    package mutating func bytes(_ count: Int) throws(ByteReaderError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remainingCount else { throw .truncated }
        defer { position += count }
        return storage[position..<position + count]
    }

    /// Two bytes, the highest first.
    package mutating func uint16() throws(ByteReaderError) -> UInt16 {
        UInt16(truncatingIfNeeded: UInt64(bigEndianBytes: try bytes(2)))
    }

    /// Eight bytes, the highest first.
    package mutating func uint64() throws(ByteReaderError) -> UInt64 { UInt64(bigEndianBytes: try bytes(8)) }

    /// A number in base 128 with the low digits first (LEB128). Leading zeros are read too.
    ///
    /// - Throws: ``ByteReaderError/malformed`` for one of more than 64 bits or ten bytes.
    package mutating func varint() throws(ByteReaderError) -> UInt64 {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            let next = try byte()
            let digit = UInt64(next & 0x7F)
            guard shift < 63 || digit <= 1 else { throw .malformed }
            number |= digit << shift
            if next < 0x80 { return number }
        }
        throw .malformed
    }

    /// The number of elements that follow, as ``varint()``.
    ///
    /// - Throws: ``ByteReaderError/limitExceeded`` for more than `limit`.
    package mutating func count(limit: Int) throws(ByteReaderError) -> Int {
        guard let count = Int(exactly: try varint()), count <= limit else { throw .limitExceeded }
        return count
    }

    /// Bytes after their ``count(limit:)``.
    package mutating func prefixedBytes(limit: Int) throws(ByteReaderError) -> ArraySlice<UInt8> {
        try bytes(try count(limit: limit))
    }

    /// Text after the ``count(limit:)`` of its bytes.
    ///
    /// - Throws: ``ByteReaderError/malformed`` also when it is not UTF-8.
    package mutating func prefixedText(limit: Int) throws(ByteReaderError) -> String {
        guard let text = String(validating: try prefixedBytes(limit: limit), as: UTF8.self) else { throw .malformed }
        return text
    }

    /// The 32 bytes of a digest.
    package mutating func nodeID() throws(ByteReaderError) -> NodeID { try NodeID(reading: &self) }
}

/// Why bytes cannot be read.
package enum ByteReaderError: Error, Hashable, Sendable {
    /// They end too early.
    case truncated
    /// They have no meaning: neither as a number or text, nor for the user of the ``ByteReader``.
    case malformed
    /// A count or a length exceeds its limit.
    case limitExceeded
}

extension UInt64 {
    /// If there are more than eight bytes, the last eight count.
    @inlinable
    package init(bigEndianBytes bytes: some Sequence<UInt8>) {
        self = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
