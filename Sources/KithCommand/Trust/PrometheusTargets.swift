// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

/// A node and its kin as Prometheus' file discovery reads them: where each answers `/metrics` for clients.
package struct PrometheusTargets: Sendable {
    /// One entry of the file.
    package struct Group: Codable, Hashable, Sendable {
        package var targets: [String]
        package var labels: [String: String]

        package init(targets: [String], labels: [String: String]) {
            self.targets = targets
            self.labels = labels
        }
    }

    package private(set) var groups: [Group] = []
    /// Kin that are left out, each with the reason.
    package private(set) var problems: [String] = []

    package init(_ status: NodeStatus) {
        if let address = HTTPAddress(status.address) { add(Self.reachable(address, from: []), name: status.node) }
        for peer in status.peers where peer.tier == Tier.kin.rawValue {
            guard let address = peer.clientAddress.flatMap({ HTTPAddress($0) }) else {
                problems.append("\(peer.name): it has not said where its clients reach it")
                continue
            }
            let hosts = peer.addresses.compactMap { PeerAddress($0)?.host }
            guard let reachable = Self.reachable(address, from: hosts) else {
                problems.append("\(peer.name): only programs on its own machine reach it; start it with --host")
                continue
            }
            add(reachable, name: peer.name)
        }
    }

    private mutating func add(_ address: HTTPAddress?, name: String) {
        guard let address else { return }
        let host = address.host.contains(":") ? "[\(address.host)]" : address.host
        groups.append(
            Group(
                targets: ["\(host):\(address.port)"],
                labels: ["__scheme__": address.scheme.rawValue, "kith_node": name]))
    }

    /// - Parameter hosts: Where the node's peer port is reached, the best first; none for the node that was asked.
    /// - Returns: `nil` when it cannot be reached from this machine.
    private static func reachable(_ address: HTTPAddress, from hosts: [String]) -> HTTPAddress? {
        var address = address
        if address.host == "0.0.0.0" || address.host == "::" {
            address.host = hosts.first ?? (address.host == "::" ? "::1" : "127.0.0.1")
            return address
        }
        return !hosts.isEmpty && isLoopback(address.host) && !hosts.contains(where: isLoopback) ? nil : address
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "::1" || host == "localhost" || host.hasPrefix("127.")
    }
}
