// SPDX-License-Identifier: Apache-2.0

package import KithModel

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One address of one of this machine's network interfaces.
package struct InterfaceAddress: Hashable, Sendable {
    package var interface: String
    package var address: IPAddress
    /// Whether the interface is administratively up and has a carrier.
    package var isRunning: Bool

    package init(interface: String, address: IPAddress, isRunning: Bool) {
        self.interface = interface
        self.address = address
        self.isRunning = isRunning
    }
}

enum InterfaceName {
    /// - Returns: `nil` when there is no such interface, or not any more.
    static func of(_ index: UInt32) -> String? {
        var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE) + 1)
        guard if_indextoname(index, &name) != nil else { return nil }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Notices that this machine's addresses changed: a cable, another network, a tunnel that came up.
package struct InterfaceWatch: Sendable {
    static let interval = Duration.seconds(2)

    private let clock: any TimeSource
    private let survey: @Sendable () -> [InterfaceAddress]

    package init(
        clock: any TimeSource = MonotonicClock(),
        survey: @escaping @Sendable () -> [InterfaceAddress] = { InterfaceWatch.survey() }
    ) {
        self.clock = clock
        self.survey = survey
    }

    /// Runs until cancelled, and reports all addresses whenever they differ from those before; not the first ones.
    package func run(_ onChange: @Sendable ([InterfaceAddress]) -> Void) async {
        var known = Set(survey())
        while true {
            do { try await clock.sleep(forAbout: Self.interval) } catch {
                return
            }
            let found = survey()
            guard Set(found) != known else { continue }
            known = Set(found)
            onChange(found)
        }
    }

    /// All addresses of this machine's interfaces, in the system's order; at most 1024. Empty when the system refuses.
    package static func survey() -> [InterfaceAddress] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var found: [InterfaceAddress] = []
        var next = first
        while let entry = next?.pointee, found.count < 1_024 {
            next = entry.ifa_next
            guard let name = entry.ifa_name, let address = ipAddress(entry.ifa_addr, interface: String(cString: name))
            else { continue }
            let wanted = UInt32(IFF_UP) | UInt32(IFF_RUNNING)
            found.append(
                InterfaceAddress(
                    interface: String(cString: name), address: address,
                    isRunning: UInt32(entry.ifa_flags) & wanted == wanted))
        }
        return found
    }

    private static func ipAddress(_ address: UnsafeMutablePointer<sockaddr>?, interface: String) -> IPAddress? {
        guard let address else { return nil }
        let plain = IPAddress(socketAddress: UnsafeRawPointer(address))
        return plain.flatMap { $0.isIPv6 && $0.isLinkLocal ? IPAddress(bytes: $0.bytes, zone: interface) : $0 }
    }
}

/// The addresses under which others may reach this machine, the likeliest first: for pairing codes and registrations.
package enum UsableAddresses {
    /// What an interface is, as far as its name tells; in the order in which others are likely to get through.
    private enum Kind: Int {
        case network, overlay, container
    }

    private static let containers = [
        "docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "cni", "cali", "flannel", "podman", "lxc", "lxdbr",
        "bridge",
    ]
    /// How many addresses a pairing code has room for.
    private static let few = 4
    private static let overlays = ["tun", "tap", "utun", "wg", "tailscale", "zt", "ppp", "ipsec"]

    /// Addresses of interfaces that run, without loopback, and without link-local IPv6, whose zone has a meaning only
    /// here: real networks first, then overlays, then the bridges of containers and virtual machines. What takes only the
    /// first few, as a pairing code does, has the first overlay too: it is the one that leads here from elsewhere.
    package static func from(_ addresses: [InterfaceAddress]) -> [IPAddress] {
        var usable = ranked(addresses)
        if let place = usable.firstIndex(where: { kind(of: $0) == .overlay }), place >= few {
            usable.insert(usable.remove(at: place), at: few - 1)
        }
        return usable.map(\.address)
    }

    /// Each once.
    private static func ranked(_ addresses: [InterfaceAddress]) -> [InterfaceAddress] {
        var seen: Set<IPAddress> = []
        return addresses.filter { found in
            found.isRunning && found.address.isUnicast && !found.address.isLoopback
                && !(found.address.isIPv6 && found.address.isLinkLocal)
        }
        .enumerated()
        .sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }
        .map(\.element)
        .filter { seen.insert($0.address).inserted }
    }

    private static func kind(of found: InterfaceAddress) -> Kind { kind(of: found.interface) }

    private static func kind(of interface: String) -> Kind {
        if containers.contains(where: interface.hasPrefix) { return .container }
        return overlays.contains(where: interface.hasPrefix) ? .overlay : .network
    }

    /// Whether an interface leads to other machines of the same place, as far as its name tells.
    static func isNetwork(_ interface: String) -> Bool { kind(of: interface) == .network }

    private static func rank(_ found: InterfaceAddress) -> Int {
        // An address a machine gave itself works only on the same link.
        kind(of: found).rawValue * 4 + (found.address.isLinkLocal ? 2 : 0) + (found.address.isIPv6 ? 1 : 0)
    }
}
