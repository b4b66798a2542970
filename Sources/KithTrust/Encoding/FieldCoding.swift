// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Puts fields one after another so that every sequence of fields has one form and every form one meaning: numbers are
/// big-endian and of fixed width, text and other things of varying length follow their length.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ number: UInt8) { bytes.append(number) }

    mutating func put(_ number: UInt16) { put(bits: UInt64(number), width: 2) }

    mutating func put(_ number: UInt64) { put(bits: number, width: 8) }

    /// Bytes whose number is known from the context.
    mutating func put(fixed field: some Sequence<UInt8>) { bytes.append(contentsOf: field) }

    /// Bytes after their number in two bytes. More than 65,535 are cut; no field comes near.
    mutating func put(counted field: some Collection<UInt8>) {
        put(UInt16(clamping: field.count))
        bytes.append(contentsOf: field.prefix(Int(UInt16.max)))
    }

    private mutating func put(bits: UInt64, width: Int) {
        for shift in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * shift))) }
    }
}

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

/// 32 bytes in a message: a nonce, a proof or a digest. Written in base32.
package struct Octets32: Hashable, Sendable {
    static let count = 32
    let bytes: [UInt8]

    /// - Returns: `nil` unless there are exactly 32.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.count else { return nil }
        self.bytes = Array(bytes)
    }

    /// A nonce: fresh random bytes.
    init(using generator: inout some RandomNumberGenerator) {
        var writer = FieldWriter()
        for _ in 0..<4 { writer.put(generator.next() as UInt64) }
        bytes = writer.bytes
    }
}

extension Octets32: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard text.utf8.count <= 2 * Self.count, let octets = Base32.decode(text.utf8).flatMap(Octets32.init)
        else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not 32 bytes in base32")
        }
        self = octets
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(String(decoding: Base32.encode(bytes), as: UTF8.self))
    }
}

/// A peer address in few bytes: what kind of host, the host, two bytes of port.
enum PackedAddress {
    private enum Kind: UInt8 {
        case name = 0
        case v4 = 4
        case v6 = 6
    }

    static func pack(_ address: PeerAddress) -> [UInt8] {
        var writer = FieldWriter()
        // An IPv6 address with a zone is none to the resolver's functions, and is kept as it is written.
        if let numeric = digits(of: address.host) {
            writer.put(numeric.count == 4 ? Kind.v4.rawValue : Kind.v6.rawValue)
            writer.put(fixed: numeric)
        } else {
            writer.put(Kind.name.rawValue)
            writer.put(UInt8(clamping: address.host.utf8.count))
            writer.put(fixed: address.host.utf8.prefix(Int(UInt8.max)))
        }
        writer.put(UInt16(clamping: address.port))
        return writer.bytes
    }

    static func unpack(from reader: inout FieldReader) -> PeerAddress? {
        guard let kind = reader.byte().flatMap(Kind.init), let host = host(kind, from: &reader),
            let port = reader.uint16()
        else { return nil }
        return PeerAddress(host: host, port: Int(port))
    }

    private static func host(_ kind: Kind, from reader: inout FieldReader) -> String? {
        switch kind {
        case .name:
            guard let count = reader.byte(), let bytes = reader.fixed(Int(count)) else { return nil }
            return String(validating: bytes, as: UTF8.self)
        case .v4: return reader.fixed(4).flatMap(text)
        case .v6: return reader.fixed(16).flatMap(text)
        }
    }

    private static func text(of digits: [UInt8]) -> String? {
        try? SocketAddress(packedIPAddress: ByteBuffer(bytes: digits), port: 0).ipAddress  // fails for no 4 or 16 bytes
    }

    /// - Returns: the 4 or 16 bytes of an address; `nil` for a name.
    private static func digits(of host: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, host, &bytes) == 1 { return Array(bytes.prefix(4)) }
        return inet_pton(AF_INET6, host, &bytes) == 1 ? bytes : nil
    }
}
