// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// An IPv4 or IPv6 address, with what its range says about who can reach it.
package struct IPAddress: Hashable, Sendable {
    /// 4 or 16, in network order.
    package let bytes: [UInt8]
    /// The interface on which a link-local IPv6 address is meant.
    package let zone: String?

    /// - Returns: `nil` unless there are 4 or 16 bytes.
    package init?(bytes: some Collection<UInt8>, zone: String? = nil) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = Array(bytes)
        self.zone = bytes.count == 16 ? zone : nil
    }

    /// Reads dotted decimal or RFC 4291 text without brackets, perhaps with a zone after `%`.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first, address.utf8.count <= 45 else { return nil }
        let family = address.utf8.contains(UInt8(ascii: ":")) ? AF_INET6 : AF_INET
        var bytes = [UInt8](repeating: 0, count: family == AF_INET6 ? 16 : 4)
        guard inet_pton(family, String(address), &bytes) == 1 else { return nil }
        let zone = parts.count == 2 ? String(parts[1]) : nil
        guard zone.map({ family == AF_INET6 && !$0.isEmpty && $0.utf8.count <= 32 }) ?? true else { return nil }
        self.bytes = bytes
        self.zone = zone
    }

    package var isIPv6: Bool { bytes.count == 16 }

    /// 127.0.0.0/8 and ::1.
    package var isLoopback: Bool {
        let bytes = unmapped
        return bytes.count == 4 ? bytes[0] == 127 : bytes == Array(repeating: 0, count: 15) + [1]
    }

    /// 169.254.0.0/16 and fe80::/10.
    package var isLinkLocal: Bool {
        let bytes = unmapped
        return bytes.count == 4
            ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
    }

    /// What is not routed on the internet: RFC 1918, RFC 6598 (as overlay networks use it), RFC 4193, and the link's
    /// own.
    package var isPrivate: Bool {
        let bytes = unmapped
        if isLinkLocal { return true }
        guard bytes.count == 4 else { return bytes[0] & 0xFE == 0xFC }
        switch (bytes[0], bytes[1]) {
        case (10, _), (172, 16...31), (192, 168), (100, 64...127): return true
        default: return false
        }
    }

    /// Whether one node can be there at all: not the unspecified address, not multicast, not broadcast.
    package var isUnicast: Bool {
        let bytes = unmapped
        if bytes.allSatisfy({ $0 == 0 }) { return false }
        return bytes.count == 4 ? bytes[0] != 0 && bytes[0] < 224 : bytes[0] != 0xFF
    }

    /// An IPv4 address in its IPv6 form (::ffff:0:0/96) is the IPv4 address.
    private var unmapped: [UInt8] {
        let isMapped =
            bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        return isMapped ? Array(bytes[12...]) : bytes
    }
}

extension IPAddress: CustomStringConvertible {
    package var description: String {
        var text = [CChar](repeating: 0, count: 64)
        guard inet_ntop(isIPv6 ? AF_INET6 : AF_INET, bytes, &text, socklen_t(text.count)) != nil else { return "?" }
        let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return zone.map { "\(address)%\($0)" } ?? address
    }
}

extension IPAddress {
    /// Reads a `sockaddr_in` or a `sockaddr_in6`, without its scope.
    ///
    /// - Parameter pointer: To a whole socket address of the system.
    /// - Returns: `nil` for an address of another family.
    package init?(socketAddress pointer: UnsafeRawPointer) {
        let bytes: [UInt8]
        switch Int32(pointer.loadUnaligned(as: sockaddr.self).sa_family) {
        case AF_INET: bytes = withUnsafeBytes(of: pointer.loadUnaligned(as: sockaddr_in.self).sin_addr) { Array($0) }
        case AF_INET6: bytes = withUnsafeBytes(of: pointer.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Array($0) }
        default: return nil
        }
        self.init(bytes: bytes)
    }

    /// Calls `body` with the address as the system takes it, with port 0.
    package func withSocketAddress<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if isIPv6 {
            var target = sockaddr_in6()
            target.sin6_family = sa_family_t(AF_INET6)
            target.sin6_scope_id = zone.map { if_nametoindex($0) } ?? 0
            withUnsafeMutableBytes(of: &target.sin6_addr) { $0.copyBytes(from: bytes) }
            return withUnsafeBytes(of: target, body)
        }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        withUnsafeMutableBytes(of: &target.sin_addr) { $0.copyBytes(from: bytes) }
        return withUnsafeBytes(of: target, body)
    }
}
