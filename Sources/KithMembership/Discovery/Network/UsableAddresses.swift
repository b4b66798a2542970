// SPDX-License-Identifier: Apache-2.0

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
    private static let overlays = ["tun", "tap", "utun", "wg", "tailscale", "zt", "ppp", "ipsec"]

    /// Addresses of interfaces that run, without loopback, and without link-local IPv6, whose zone has a meaning only
    /// here: real networks first, then overlays, then the bridges of containers and virtual machines.
    package static func from(_ addresses: [InterfaceAddress]) -> [IPAddress] {
        var seen: Set<IPAddress> = []
        return addresses.filter { found in
            found.isRunning && found.address.isUnicast && !found.address.isLoopback
                && !(found.address.isIPv6 && found.address.isLinkLocal)
        }
        .enumerated()
        .sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }
        .map(\.element.address)
        .filter { seen.insert($0).inserted }
    }

    private static func rank(_ found: InterfaceAddress) -> Int {
        let kind: Kind =
            if containers.contains(where: found.interface.hasPrefix) {
                .container
            } else if overlays.contains(
                where: found.interface.hasPrefix)
            { .overlay } else { .network }
        // An address a machine gave itself works only on the same link.
        return kind.rawValue * 4 + (found.address.isLinkLocal ? 2 : 0) + (found.address.isIPv6 ? 1 : 0)
    }
}
