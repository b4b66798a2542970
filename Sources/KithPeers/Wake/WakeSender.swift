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

/// Sends magic packets: as datagrams to the port discard, for every machine of a network. Never waits.
enum WakeSender {
    private static let port: UInt8 = 9
    /// Where a socket address of either family has its port, on every system.
    private static let portOffset = 2

    /// - Returns: Whether the system took it; whether anybody got it nobody can tell.
    static func send(_ place: WakePlan.Place) -> Bool {
        let descriptor = socket(place.network.own.isIPv6 ? AF_INET6 : AF_INET, datagram, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var on: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_BROADCAST, &on, socklen_t(MemoryLayout<CInt>.size))
        // From the address on that network, so that it leaves by that interface.
        guard call(place.network.own, port: 0, { bind(descriptor, $0, $1) }) == 0 else { return false }
        let packet = place.hardware.magicPacket
        let sent = call(place.network.everybody, port: port) {
            sendto(descriptor, packet, packet.count, Int32(MSG_DONTWAIT), $0, $1)
        }
        return sent == packet.count
    }

    private static func call<Result>(
        _ address: IPAddress, port: UInt8, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result? {
        address.withSocketAddress { plain in
            var bytes = Array(plain)
            bytes[portOffset + 1] = port
            return bytes.withUnsafeBytes { raw in
                raw.baseAddress.map { body($0.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count)) }
            }
        }
    }

    #if canImport(Glibc)
        private static let datagram = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    #elseif canImport(Musl)
        private static let datagram = SOCK_DGRAM | SOCK_CLOEXEC
    #else
        private static let datagram = SOCK_DGRAM
    #endif
}
