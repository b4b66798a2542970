// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

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
