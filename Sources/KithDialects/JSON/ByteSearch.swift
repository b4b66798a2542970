// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Finds and compares bytes with the C library's vector code: what goes byte by byte is what a long stream spends its time on.
enum ByteSearch {
    static func index(of byte: UInt8, in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + start, CInt(byte), bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    /// The first place of either byte.
    ///
    /// Looks no further for one than a window beyond where the other is: of an engine that writes one of them only, each line
    /// would otherwise cost all that follows.
    static func index(
        of one: UInt8, or other: UInt8, in bytes: UnsafeBufferPointer<UInt8>, from start: Int
    ) -> Int? {
        var start = start
        while start < bytes.count {
            let end = min(bytes.count, start + window)
            let first = index(of: one, in: UnsafeBufferPointer(rebasing: bytes[..<end]), from: start)
            let before = UnsafeBufferPointer(rebasing: bytes[..<(first ?? end)])
            if let found = index(of: other, in: before, from: start) ?? first { return found }
            start = end
        }
        return nil
    }

    /// Bytes; longer than most events.
    private static let window = 512

    static func begins(_ bytes: UnsafeBufferPointer<UInt8>, with prefix: [UInt8]) -> Bool {
        guard bytes.count >= prefix.count, let base = bytes.baseAddress else { return prefix.isEmpty }
        return prefix.withUnsafeBytes { $0.baseAddress.map { memcmp(base, $0, prefix.count) == 0 } ?? true }
    }
}
