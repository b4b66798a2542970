// SPDX-License-Identifier: Apache-2.0

/// Takes apart what a ``FieldWriter`` put together. Every reading is `nil` when there are not enough bytes left.
struct FieldReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() -> UInt8? { rest.popFirst() }

    mutating func uint16() -> UInt16? { bits(width: 2).map { UInt16(truncatingIfNeeded: $0) } }

    mutating func uint64() -> UInt64? { bits(width: 8) }

    mutating func fixed(_ count: Int) -> [UInt8]? {
        guard count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func counted() -> [UInt8]? {
        guard let count = uint16() else { return nil }
        return fixed(Int(count))
    }

    /// - Returns: `nil` also when it is not UTF-8.
    mutating func text() -> String? { counted().flatMap { String(validating: $0, as: UTF8.self) } }

    private mutating func bits(width: Int) -> UInt64? {
        fixed(width)?.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
