// SPDX-License-Identifier: Apache-2.0

/// Finds bytes, eight at once.
enum ByteSearch {
    static func index(of byte: UInt8, in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        index(of: byte, or: byte, in: bytes, from: start)
    }

    /// The first place of either byte.
    static func index(
        of one: UInt8, or other: UInt8, in bytes: UnsafeBufferPointer<UInt8>, from start: Int
    ) -> Int? {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let raw = UnsafeRawBufferPointer(bytes)
        let (first, second) = (ones &* UInt64(one), ones &* UInt64(other))
        var index = max(0, start)
        while index &+ 8 <= raw.count {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let (left, right) = (word ^ first, word ^ second)
            let marks = (((left &- ones) & ~left) | ((right &- ones) & ~right)) & (ones &* 0x80)
            if marks != 0 { return index &+ marks.trailingZeroBitCount &>> 3 }
            index &+= 8
        }
        while index < bytes.count {
            if bytes[index] == one || bytes[index] == other { return index }
            index &+= 1
        }
        return nil
    }
}
