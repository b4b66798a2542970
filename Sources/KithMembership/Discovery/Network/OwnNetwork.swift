// SPDX-License-Identifier: Apache-2.0

package import KithModel

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A network that this machine is on, by one of its interfaces.
package struct OwnNetwork: Hashable, Sendable {
    package var interface: String
    package var hardware: HardwareAddress
    package var network: AddressRange
    /// This machine's address there.
    package var own: IPAddress
    /// Where a datagram goes for every machine there: the broadcast address, or all nodes of the link (RFC 4291, section 2.7.1).
    package var everybody: IPAddress

    package init(
        interface: String, hardware: HardwareAddress, network: AddressRange, own: IPAddress, everybody: IPAddress
    ) {
        self.interface = interface
        self.hardware = hardware
        self.network = network
        self.own = own
        self.everybody = everybody
    }
}

extension OwnNetwork {
    private static let entryLimit = 1_024

    /// The networks of the interfaces that run and have a hardware address, in the system's order; without those of containers
    /// and overlays, on which no machine is woken. Empty when the system refuses.
    package static func survey() -> [OwnNetwork] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var hardware: [String: HardwareAddress] = [:]
        var found: [OwnNetwork] = []
        for entry in entries(first) {
            guard let name = entry.ifa_name, let address = entry.ifa_addr else { continue }
            if let found = hardwareAddress(address) { hardware[String(cString: name)] = found }
        }
        let wanted = UInt32(IFF_UP) | UInt32(IFF_RUNNING)
        for entry in entries(first) where UInt32(entry.ifa_flags) & wanted == wanted {
            guard let name = entry.ifa_name.map({ String(cString: $0) }), UsableAddresses.isNetwork(name),
                let hardware = hardware[name], let own = entry.ifa_addr.flatMap({ IPAddress(socketAddress: $0) }),
                let length = entry.ifa_netmask.flatMap({ prefixLength(UnsafeRawPointer($0), of: own) }),
                let place = network(of: own, length: length, interface: name)
            else { continue }
            found.append(
                OwnNetwork(
                    interface: name, hardware: hardware, network: place.network, own: own, everybody: place.everybody))
        }
        return found
    }

    private static func entries(_ first: UnsafeMutablePointer<ifaddrs>?) -> [ifaddrs] {
        var entries: [ifaddrs] = []
        var next = first
        while let entry = next?.pointee, entries.count < entryLimit {
            next = entry.ifa_next
            entries.append(entry)
        }
        return entries
    }

    /// - Returns: `nil` for an address that says nothing about where others are: of the link alone, of this machine, or of a
    ///   network with room for one.
    static func network(
        of own: IPAddress, length: Int, interface: String
    ) -> (network: AddressRange, everybody: IPAddress)? {
        let bits = own.bytes.count * 8
        guard own.isUnicast, !own.isLoopback, !own.isLinkLocal || !own.isIPv6, (1..<bits - 1).contains(length),
            let network = AddressRange(bytes: own.bytes)?.network(ofLength: length)
        else { return nil }
        let everybody =
            own.isIPv6
            ? IPAddress(bytes: [0xFF, 0x02] + Array(repeating: 0, count: 13) + [1], zone: interface)
            : IPAddress(bytes: own.bytes.indices.map { own.bytes[$0] | hostMask(ofByte: $0, length: length) })
        return everybody.map { (network, $0) }
    }

    private static func hostMask(ofByte index: Int, length: Int) -> UInt8 {
        let common = min(8, max(0, length - index * 8))
        return common == 8 ? 0 : 0xFF >> UInt8(common)
    }

    /// Of a mask the family is not always set, and on macOS its zeros at the end may be missing.
    private static func prefixLength(_ mask: UnsafeRawPointer, of own: IPAddress) -> Int? {
        let start =
            own.isIPv6
            ? MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) : MemoryLayout<sockaddr_in>.offset(of: \.sin_addr)
        guard let start else { return nil }
        #if canImport(Darwin)
            let count = max(0, min(own.bytes.count, Int(mask.loadUnaligned(as: UInt8.self)) - start))
        #else
            let count = own.bytes.count
        #endif
        return UnsafeRawBufferPointer(start: mask + start, count: count).reduce(0) { $0 + $1.nonzeroBitCount }
    }

    #if canImport(Darwin)
        private static func hardwareAddress(_ address: UnsafeMutablePointer<sockaddr>) -> HardwareAddress? {
            guard Int32(address.pointee.sa_family) == AF_LINK else { return nil }
            let link = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_dl.self)
            guard Int32(link.sdl_type) == IFT_ETHER, link.sdl_alen == 6 else { return nil }
            // The name of the interface stands before the address.
            guard let start = MemoryLayout<sockaddr_dl>.offset(of: \.sdl_data),
                Int(link.sdl_len) >= start + Int(link.sdl_nlen) + 6
            else { return nil }
            let bytes = UnsafeRawBufferPointer(
                start: UnsafeRawPointer(address) + start + Int(link.sdl_nlen), count: 6)
            return HardwareAddress(bytes: Array(bytes))
        }
    #else
        private static let ethernet: UInt16 = 1  // ARPHRD_ETHER, of Wi-Fi too

        private static func hardwareAddress(_ address: UnsafeMutablePointer<sockaddr>) -> HardwareAddress? {
            guard Int32(address.pointee.sa_family) == AF_PACKET else { return nil }
            // `struct sockaddr_ll` of packet(7), which not every C library shows to Swift.
            let link = UnsafeRawPointer(address)
            let kind = link.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
            guard kind == ethernet, link.loadUnaligned(fromByteOffset: 11, as: UInt8.self) == 6 else { return nil }
            return HardwareAddress(bytes: Array(UnsafeRawBufferPointer(start: link + 12, count: 6)))
        }
    #endif
}

extension NetworkCard {
    /// How this machine is woken: each interface with its networks.
    package static func cards(of networks: [OwnNetwork]) -> [NetworkCard] {
        var order: [HardwareAddress] = []
        for network in networks where !order.contains(network.hardware) { order.append(network.hardware) }
        return order.prefix(limit).map { hardware in
            NetworkCard(
                hardware: hardware, networks: networks.filter { $0.hardware == hardware }.map(\.network))
        }
    }
}
