// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel

/// Where this node's peer port can be reached, as far as this machine can tell.
enum OwnAddresses {
    /// - Parameter host: Where the port listens.
    static func list(host: String, port: Int) -> [PeerAddress] {
        guard host == "::" || host == "0.0.0.0" else { return PeerAddress(host: host, port: port).map { [$0] } ?? [] }
        let usable = UsableAddresses.from(InterfaceWatch.survey())
            .filter { host == "::" || !$0.isIPv6 }
            .compactMap { PeerAddress(host: $0.description, port: port) }
        return usable.isEmpty ? PeerAddress(host: "127.0.0.1", port: port).map { [$0] } ?? [] : usable
    }
}
