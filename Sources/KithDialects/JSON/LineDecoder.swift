// SPDX-License-Identifier: Apache-2.0

import KithModel

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Cuts a stream of bytes into lines that end in LF or CR LF; for NDJSON.
package struct LineDecoder: Sendable {
    /// Bytes of a line; a longer one is an error, so that a peer cannot fill this node's memory. Room for a picture.
    package static let defaultLimit = 16 << 20

    private var pending: [UInt8] = []
    private let limit: Int

    package init(limit: Int = LineDecoder.defaultLimit) { self.limit = limit }

    /// - Returns: The lines that `bytes` completes, without their ends, empty ones included.
    /// - Throws: `ChatError` with `invalidAnswer` when a line is longer than the limit.
    package mutating func feed(_ bytes: some Collection<UInt8>) throws -> [[UInt8]] {
        var lines: [[UInt8]] = []
        try feed(bytes) { lines.append(Array($0)) }
        return lines
    }

    /// As ``feed(_:)``; passes each line in place to `take`, valid only during that call.
    mutating func feed(
        _ bytes: some Collection<UInt8>, _ take: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        let isFed: Void? = try bytes.withContiguousStorageIfAvailable { try feed(buffer: $0, take) }
        if isFed == nil { try Array(bytes).withUnsafeBufferPointer { try feed(buffer: $0, take) } }
    }

    private mutating func feed(
        buffer: UnsafeBufferPointer<UInt8>, _ take: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        var rest = buffer[...]
        while let end = ByteSearch.index(of: UInt8(ascii: "\n"), in: buffer, from: rest.startIndex) {
            let line = UnsafeBufferPointer(rebasing: rest[..<end])
            rest = rest[(end + 1)...]
            if pending.isEmpty {
                try check(line.count)
                try take(Self.withoutReturn(line))
            } else {
                try check(pending.count + line.count)
                pending.append(contentsOf: line)
                defer { pending = [] }
                try pending.withUnsafeBufferPointer { try take(Self.withoutReturn($0)) }
            }
        }
        try check(pending.count + rest.count)
        pending.append(contentsOf: rest)
    }

    /// - Returns: What followed the last line end, if anything.
    package mutating func finish() -> [UInt8]? {
        defer { pending = [] }
        return pending.isEmpty ? nil : pending
    }

    private static func withoutReturn(_ line: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        line.last == UInt8(ascii: "\r") ? UnsafeBufferPointer(rebasing: line.dropLast()) : line
    }

    private func check(_ count: Int) throws {
        guard count <= limit else {
            throw ChatError(.invalidAnswer, "a line of the answer is longer than \(limit) bytes")
        }
    }
}

/// Finds and compares bytes with the C library's vector code: a long stream spends most of its time on what goes byte by
/// byte.
enum ByteSearch {
    static func index(of byte: UInt8, in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + start, CInt(byte), bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    /// The first place of either byte.
    ///
    /// Looks for one at most a window beyond the other: with an engine that writes only one of them, each line would
    /// otherwise cost a search of all that follows.
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
