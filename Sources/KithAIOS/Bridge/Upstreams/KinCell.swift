// SPDX-License-Identifier: Apache-2.0

package import KithModel
import KithPeers
import KithServer
package import KithTransport
import NIOHTTP1

/// A kin that has the role of a cell, asked over the peer channel.
package struct KinCell: CellUpstream {
    package let node: NodeID
    package let name: NodeName
    private let links: PeerLinks
    private let addresses: @Sendable () -> [PeerAddress]

    init(node: NodeID, name: NodeName, links: PeerLinks, addresses: @escaping @Sendable () -> [PeerAddress]) {
        self.node = node
        self.name = name
        self.links = links
        self.addresses = addresses
    }

    package var id: UpstreamID { .kin(node) }
    package var label: String { "kin:\(name)" }
    package var place: (host: String, port: Int)? { addresses().first.map { ($0.host, $0.port) } }

    package func send(_ call: CellCall) async throws -> UpstreamReply {
        let link = try await links.link(to: node, at: addresses())
        var request = link.request(
            call.kind == .health ? .GET : .POST, path(of: call.kind), body: call.buffer,
            type: call.body == nil ? nil : "application/json", limits: call.limits)
        if let key = call.delivery { request.headers.add(name: CellCall.deliveryHeader, value: key.text) }
        if call.kind == .assist {
            request.headers.add(name: PeerWire.timeLeftHeader, value: TimeLimit.milliseconds(call.limit))
        }
        let reply = try await link.connection.collect(request)
        if let refusal = PeerLink.refusal(in: reply) { throw LinkFailure.rejected(refusal) }
        return reply
    }

    private func path(of kind: CellCall.Kind) -> String {
        switch kind {
        case .health: PeerWire.cellHealthPath
        case .assist: PeerWire.cellAssistPath
        case .sync: PeerWire.cellSyncPath
        }
    }
}
