// SPDX-License-Identifier: Apache-2.0

package import NIOCore

extension SocketAddress {
    /// The address without the port; `nil` for a local socket. An IPv4 address is written as such even when a listener for
    /// IPv6 accepted the connection and sees it as a mapped one (RFC 4291, section 2.5.5.2).
    package var source: String? {
        guard let text = ipAddress else { return nil }
        let mapped = "::ffff:"
        return text.hasPrefix(mapped) && text.utf8.contains(UInt8(ascii: "."))
            ? String(text.dropFirst(mapped.count)) : text
    }
}
