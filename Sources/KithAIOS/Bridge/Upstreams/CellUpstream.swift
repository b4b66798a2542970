// SPDX-License-Identifier: Apache-2.0

import KithMembership
package import KithModel
import KithPeers
import KithServer
package import KithTransport
import NIOHTTP1

/// A cell that a bridge can ask, in whatever way.
package protocol CellUpstream: Sendable {
    var id: UpstreamID { get }
    /// As people know it: its URL, or `kin:` and the node's name.
    var label: String { get }
    /// Where it is, as far as that is known; the host and the port.
    var place: (host: String, port: Int)? { get }
    /// Sends the call and returns what comes back, whatever it is. May take longer than the call's limit, and is
    /// abandoned then.
    ///
    /// - Throws: `ChatError`; `LinkError`; `CancellationError`.
    func send(_ call: CellCall) async throws -> UpstreamReply
}

/// A cell at an address: one of the seeds', or a kith node's port for cells.
package struct URLCell: CellUpstream {
    private let address: HTTPAddress
    private let client: UpstreamClient

    package init(_ address: HTTPAddress, client: UpstreamClient) {
        self.address = address
        self.client = client
    }

    package var id: UpstreamID { .address(address) }
    package var label: String { address.description }
    package var place: (host: String, port: Int)? { (address.host, address.port) }

    package func send(_ call: CellCall) async throws -> UpstreamReply {
        var request = UpstreamRequest(
            call.kind == .health ? .GET : .POST, address, path: path(of: call.kind),
            headers: ["Accept": "application/json"],
            body: call.buffer, limits: call.limits)
        if let key = call.delivery { request.headers.add(name: CellCall.deliveryHeader, value: key.text) }
        return try await client.collect(request)
    }

    private func path(of kind: CellCall.Kind) -> String {
        switch kind {
        case .health: "/health"
        case .assist: "/code-assist"
        case .sync: "/sync-consciousness"
        }
    }
}

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
        return try await link.ask(request)
    }

    private func path(of kind: CellCall.Kind) -> String {
        switch kind {
        case .health: PeerWire.cellHealthPath
        case .assist: PeerWire.cellAssistPath
        case .sync: PeerWire.cellSyncPath
        }
    }
}

extension PeerMesh {
    /// The kin that have said that they are cells, in reach or not, by name. From memory.
    package func kinCells() -> [KinCell] {
        directory.peers().compactMap { entry in
            guard entry.tier == .kin, entry.load?.isCell == true, let id = entry.id else { return nil }
            return KinCell(node: id, name: entry.name, links: links) { [membership] in membership.addresses(of: id) }
        }
    }
}
