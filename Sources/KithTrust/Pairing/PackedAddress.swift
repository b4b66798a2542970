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
