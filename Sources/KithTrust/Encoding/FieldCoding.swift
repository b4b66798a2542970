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

// Every sequence of fields has one form and every form one meaning: numbers are big-endian and of fixed width, text and
// other things of varying length follow their length.

extension ByteWriter {
    /// Bytes after their number in two bytes. More than 65,535 are cut; no field comes near.
    mutating func append(counted field: some Collection<UInt8>) {
        append(uint16: UInt16(clamping: field.count))
        append(contentsOf: field.prefix(Int(UInt16.max)))
    }
}

extension ByteReader {
    /// Bytes after their number in two bytes.
    mutating func counted() throws(ByteReaderError) -> ArraySlice<UInt8> { try bytes(Int(try uint16())) }
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
        var writer = ByteWriter(capacity: Self.count)
        for _ in 0..<4 { writer.append(uint64: generator.next()) }
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

/// A peer address in few bytes: what kind of host, the host, two bytes of port; where one port may be left out, the highest bit of
/// the kind says that it is.
enum PackedAddress {
    private static let withoutPort: UInt8 = 0x80

    private enum Kind: UInt8 {
        case name = 0
        case v4 = 4
        case v6 = 6
    }

    /// - Parameter port: One that need not be written; `nil` where each address has the same form always.
    static func pack(_ address: PeerAddress, leavingOut port: Int? = nil) -> [UInt8] {
        var writer = ByteWriter()
        let isShort = address.port == port
        let mark: UInt8 = isShort ? withoutPort : 0
        // The resolver's functions do not take an IPv6 address with a zone; it is kept as it is written.
        if let numeric = digits(of: address.host) {
            writer.append(byte: mark | (numeric.count == 4 ? Kind.v4.rawValue : Kind.v6.rawValue))
            writer.append(contentsOf: numeric)
        } else {
            writer.append(byte: mark | Kind.name.rawValue)
            writer.append(byte: UInt8(clamping: address.host.utf8.count))
            writer.append(contentsOf: address.host.utf8.prefix(Int(UInt8.max)))
        }
        if !isShort { writer.append(uint16: UInt16(clamping: address.port)) }
        return writer.bytes
    }

    /// - Parameter port: The one that may have been left out, as in ``pack(_:leavingOut:)``.
    static func unpack(from reader: inout ByteReader, leftOut port: Int? = nil) throws(ByteReaderError) -> PeerAddress {
        let mark = try reader.byte()
        let isShort = port != nil && mark & withoutPort != 0
        guard let kind = Kind(rawValue: isShort ? mark & ~withoutPort : mark), let host = try host(kind, from: &reader)
        else { throw .malformed }
        let written = isShort ? port : Int(try reader.uint16())
        // One form for each address, so that a code that was read is written the same.
        guard let written, isShort || written != port, let address = PeerAddress(host: host, port: written) else {
            throw .malformed
        }
        return address
    }

    private static func host(_ kind: Kind, from reader: inout ByteReader) throws(ByteReaderError) -> String? {
        switch kind {
        case .name: String(validating: try reader.bytes(Int(try reader.byte())), as: UTF8.self)
        case .v4: text(of: try reader.bytes(4))
        case .v6: text(of: try reader.bytes(16))
        }
    }

    private static func text(of digits: ArraySlice<UInt8>) -> String? {
        try? SocketAddress(packedIPAddress: ByteBuffer(bytes: digits), port: 0).ipAddress  // fails for no 4 or 16 bytes
    }

    /// - Returns: the 4 or 16 bytes of an address; `nil` for a name.
    private static func digits(of host: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, host, &bytes) == 1 { return Array(bytes.prefix(4)) }
        return inet_pton(AF_INET6, host, &bytes) == 1 ? bytes : nil
    }
}
