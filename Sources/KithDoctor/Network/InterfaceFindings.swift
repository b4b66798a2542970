// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel

/// The addresses of this machine, and whether others can reach the node at one of them.
struct InterfaceFindings: Sendable {
    var survey: [InterfaceAddress]
    /// Where the peer port listens, by the settings.
    var peerHost: String
    /// What the running node says of itself; empty for one that does not run.
    var announced: [PeerAddress]
    /// Whether the node knows peers at addresses of other machines.
    var hasDistantPeers: Bool

    var findings: [Finding] { [interfaces, reachable] }

    private var usable: [IPAddress] { UsableAddresses.from(survey) }

    private var interfaces: Finding {
        let running = survey.filter { usable.contains($0.address) }
        var names: [String] = []
        for entry in running where !names.contains(entry.interface) { names.append(entry.interface) }
        guard !names.isEmpty else {
            return Finding(
                .interfaces, "interfaces", listensOnNetwork ? .error : .notice,
                "no network interface with an address is up, only loopback",
                fix: listensOnNetwork
                    ? Finding.Fix("plug the cable in, or join the wireless network", command: "ip -brief address") : nil
            )
        }
        let list = names.prefix(6).map { name in
            let addresses = running.filter { $0.interface == name }.prefix(3).map(\.address.description)
            return "\(name) \(addresses.joined(separator: " "))"
        }
        return Finding(.interfaces, "interfaces", .ok, list.joined(separator: "; "))
    }

    private var listensOnNetwork: Bool {
        peerHost == "::" || peerHost == "0.0.0.0" || announced.contains { !Self.isLoopback($0.host) }
    }

    private var reachable: Finding {
        let places = announced.isEmpty ? "" : ": " + announced.prefix(4).map(\.description).joined(separator: ", ")
        if listensOnNetwork {
            return Finding(
                .interfaces, "reachable", .ok,
                announced.isEmpty ? "the peer port will be open to other machines" : "announced to peers\(places)")
        }
        guard hasDistantPeers else {
            return Finding(.interfaces, "reachable", .ok, "the peer port is for this machine only\(places)")
        }
        return Finding(
            .interfaces, "reachable", .warning,
            "the peer port is open to this machine only, and there are peers on others: they cannot reach this node",
            fix: Finding.Fix("let it listen on the network", command: "kith up --lan"))
    }

    static func isLoopback(_ host: String) -> Bool { host == "localhost" || IPAddress(host)?.isLoopback ?? false }
}
