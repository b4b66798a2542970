// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithTransport
import NIOHTTP1

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
