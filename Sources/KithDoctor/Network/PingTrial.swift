// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The outcome of one ping.
enum PingTrial: Hashable, Sendable {
    case answered(Duration)
    case silent
    case noRoute(String)
    /// This user may not ping: neither `net.ipv4.ping_group_range` nor root's rights allow it.
    case notPermitted

    static let limit = Duration.seconds(1)

    static func run(_ address: IPAddress, clock: any TimeSource) async -> PingTrial {
        let result = await OffThread.run(limit: limit + .milliseconds(200)) { blocking(address, clock: clock) }
        return result ?? .silent
    }

    private static func blocking(_ address: IPAddress, clock: any TimeSource) -> PingTrial {
        guard let socket = ICMPSocket(isIPv6: address.isIPv6) else { return .notPermitted }
        var generator = SystemRandomNumberGenerator()
        let cookie = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let start = clock.now
        guard socket.connect(to: address), socket.send(EchoMessage.request(cookie: cookie, isIPv6: address.isIPv6))
        else { return errno == EACCES || errno == EPERM ? .notPermitted : .noRoute(String(cString: strerror(errno))) }
        while clock.now - start < limit {
            guard let packet = socket.receive() else { continue }
            if EchoMessage.isReply(packet, to: cookie, isIPv6: address.isIPv6) { return .answered(clock.now - start) }
        }
        return .silent
    }
}

/// Closed when it goes out of scope.
private struct ICMPSocket: ~Copyable {
    private let descriptor: Int32

    init?(isIPv6: Bool) {
        let family = isIPv6 ? AF_INET6 : AF_INET
        let number = Int32(isIPv6 ? Int(IPPROTO_ICMPV6) : Int(IPPROTO_ICMP))
        // The first where the system lets everybody ping, the second for root.
        let open = Self.kinds.lazy.map { socket(family, $0, number) }.first { $0 >= 0 }
        guard let open else { return nil }
        descriptor = open
        var patience = timeval(tv_sec: 0, tv_usec: 200_000)
        setsockopt(open, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    private static var kinds: [Int32] {
        #if canImport(Glibc)
            [Int32(SOCK_DGRAM.rawValue), Int32(SOCK_RAW.rawValue)]
        #else
            [SOCK_DGRAM, SOCK_RAW]
        #endif
    }

    deinit { close(descriptor) }

    borrowing func connect(to address: IPAddress) -> Bool {
        address.withSocketAddress { bytes in
            guard let base = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
            return Self.connect(descriptor, base, socklen_t(bytes.count)) == 0
        }
    }

    private static func connect(_ socket: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Int32 {
        #if canImport(Darwin)
            Darwin.connect(socket, address, size)
        #elseif canImport(Glibc)
            Glibc.connect(socket, address, size)
        #else
            Musl.connect(socket, address, size)
        #endif
    }

    borrowing func send(_ bytes: [UInt8]) -> Bool { write(descriptor, bytes, bytes.count) == bytes.count }

    /// - Returns: `nil` when nothing came within a fifth of a second.
    borrowing func receive() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 2_048)
        let count = read(descriptor, &buffer, buffer.count)
        return count > 0 ? Array(buffer.prefix(count)) : nil
    }
}

/// The messages of ping: echo request and reply of ICMP (RFC 792) and of ICMPv6 (RFC 4443, section 4).
enum EchoMessage {
    static func request(cookie: [UInt8], isIPv6: Bool) -> [UInt8] {
        var message: [UInt8] = [isIPv6 ? 128 : 8, 0, 0, 0, 0x6B, 0x74, 0, 1] + cookie
        // For ICMPv6 the kernel makes the checksum, which covers addresses that are not known here.
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
