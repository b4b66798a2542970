// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What one client on the internet usually has to itself: an address of IPv4, or the 64 bits in front of one of IPv6
/// (RFC 6177), in which it may choose any.
package struct AddressNetwork: Hashable, Sendable, CustomStringConvertible {
    /// `192.0.2.7`, `2001:db8:0:1::/64`, or the text itself where it is no address.
    package let description: String

    package init(of source: String) {
        let address = source.prefix { $0 != "%" }
        var bytes = [UInt8](repeating: 0, count: 16)
        guard inet_pton(AF_INET6, String(address), &bytes) == 1 else {
            description = source
            return
        }
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            description = bytes[12...].map(String.init).joined(separator: ".")
        } else if bytes[..<8].allSatisfy({ $0 == 0 }) {
            description = String(address)  // loopback, and what else stands for one host
        } else {
            let groups = stride(from: 0, to: 8, by: 2).map {
                String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16)
            }
            description = groups.joined(separator: ":") + "::/64"
        }
    }
}
