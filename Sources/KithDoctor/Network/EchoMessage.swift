// SPDX-License-Identifier: Apache-2.0

/// The messages of ping: echo request and reply of ICMP (RFC 792) and of ICMPv6 (RFC 4443, section 4).
enum EchoMessage {
    static func request(cookie: [UInt8], isIPv6: Bool) -> [UInt8] {
        var message: [UInt8] = [isIPv6 ? 128 : 8, 0, 0, 0, 0x6B, 0x74, 0, 1] + cookie
        // For ICMPv6 the kernel sums up itself, with addresses that are not known here.
        guard !isIPv6 else { return message }
        let sum = checksum(message)
        message[2] = UInt8(truncatingIfNeeded: sum >> 8)
        message[3] = UInt8(truncatingIfNeeded: sum)
        return message
    }

    /// Whether a packet is the reply to the request with that cookie; raw IPv4 sockets give the IP header too.
    static func isReply(_ packet: some Collection<UInt8>, to cookie: [UInt8], isIPv6: Bool) -> Bool {
        var bytes = Array(packet)
        if !isIPv6, let first = bytes.first, first >> 4 == 4 {
            bytes = Array(bytes.dropFirst(Int(first & 0x0F) * 4))
        }
        guard bytes.count >= 8 + cookie.count, bytes[0] == (isIPv6 ? 129 : 0), bytes[1] == 0 else { return false }
        return Array(bytes[8..<8 + cookie.count]) == cookie
    }

    /// RFC 1071.
    static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            let low = index + 1 < bytes.count ? bytes[index + 1] : 0
            sum &+= UInt32(bytes[index]) << 8 | UInt32(low)
        }
        while sum >> 16 != 0 { sum = sum & 0xFFFF &+ sum >> 16 }
        return ~UInt16(truncatingIfNeeded: sum)
    }
}
