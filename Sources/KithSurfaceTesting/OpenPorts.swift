// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// The ports that a test's listeners were given.
final class OpenPorts: Sendable {
    private let ports = Mutex((client: 0, peer: 0))

    var client: Int { ports.withLock { $0.client } }

    var peerAddresses: [PeerAddress] {
        PeerAddress(host: "127.0.0.1", port: ports.withLock { $0.peer }).map { [$0] } ?? []
    }

    func opened(client port: Int) { ports.withLock { $0.client = port } }

    func opened(peer port: Int) { ports.withLock { $0.peer = port } }

    func areOpen() async {
        while ports.withLock({ $0.client == 0 || $0.peer == 0 }) { await Task.yield() }
    }
}
