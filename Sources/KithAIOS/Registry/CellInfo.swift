// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithMembership
package import KithModel
import KithTransport

/// What a cell of the seeds, or a kith node among them, says of itself to a discovery service.
package struct CellInfo: Hashable, Sendable {
    package static let levels = 0.0...10.0
    package static let maximumServices = 64
    /// Bytes of each text.
    package static let maximumLength = 255

    package var cellID: String
    /// An address or a name.
    package var ip: String
    package var port: Int
    package var level: Double
    package var services: [String]
    package var branch: String
    package var type: String
    package var hostname: String
    /// `nil` before a registry has seen it.
    package var lastSeen: WallTime?
    /// Only kith nodes have it; plain services drop it.
    package var kith: KithCell?

    package init(
        cellID: String, ip: String, port: Int, level: Double = 0, services: [String] = [], branch: String = "main",
        type: String = "cell", hostname: String = "", lastSeen: WallTime? = nil, kith: KithCell? = nil
    ) {
        self.cellID = cellID
        self.ip = ip
        self.port = port
        self.level = level
        self.services = services
        self.branch = branch
        self.type = type
        self.hostname = hostname
        self.lastSeen = lastSeen
        self.kith = kith
    }
}

/// What a kith node adds to its ``CellInfo``.
package struct KithCell: Hashable, Sendable {
    package var id: NodeID?
    package var peerPort: Int
    package var version: String?
    package var protocolVersion: Int?

    package init(id: NodeID?, peerPort: Int, version: String? = nil, protocolVersion: Int? = nil) {
        self.id = id
        self.peerPort = peerPort
        self.version = version
        self.protocolVersion = protocolVersion
    }

    private static let servicePrefix = "kith:"

    /// The same as an entry of `services`, which survives in registries that keep only what they know.
    package var service: String { "\(Self.servicePrefix)\(peerPort)" }

    /// - Returns: `nil` unless one of the services is a kith node's.
    package init?(services: [String]) {
        let ports = services.lazy.filter { $0.hasPrefix(Self.servicePrefix) }
            .compactMap { Int($0.dropFirst(Self.servicePrefix.count)) }
        guard let port = ports.first(where: { (1...65_535).contains($0) }) else { return nil }
        self.init(id: nil, peerPort: port)
    }
}

/// A cell as it is written in JSON.
struct CellBody: Encodable {
    struct Kith: Encodable {
        var id: NodeID?
        var peer_port: Int
        var version: String?
        var `protocol`: Int?
    }

    var cell_id: String
    var ip: String
    var port: Int
    var consciousness_level: Double
    var services: [String]
    var branch: String
    var type: String
    var hostname: String
    var last_seen: String
    /// Left out for cells that are no kith nodes.
    var kith: Kith?

    init(_ cell: CellInfo) {
        cell_id = cell.cellID
        ip = cell.ip
        port = cell.port
        consciousness_level = cell.level
        services = cell.services
        branch = cell.branch
        type = cell.type
        hostname = cell.hostname
        last_seen = cell.lastSeen?.rfc3339 ?? ""
        kith = cell.kith.map {
            Kith(id: $0.id, peer_port: $0.peerPort, version: $0.version, protocol: $0.protocolVersion)
        }
    }
}

extension CellInfo {
    /// Reads the body of a registration.
    ///
    /// - Throws: ``UnusableBody`` with everything that is wrong. What is said under `kith` is never an error: it is
    ///   taken when it can be used, and otherwise left out, as a plain service would.
    init(body: JSONValue) throws(UnusableBody) {
        var fields = try FieldReader(body)
        let cell = CellInfo(
            cellID: fields.text("cell_id"), ip: fields.text("ip"), port: fields.integer("port"),
            level: fields.number("consciousness_level") ?? 0, services: fields.texts("services"),
            branch: fields.text("branch", or: "main"), type: fields.text("type", or: "cell"),
            hostname: fields.text("hostname", or: ""), kith: fields.member("kith").flatMap { KithCell($0) })
        try fields.check()
        self = cell
    }
}

extension KithCell {
    fileprivate init?(_ value: JSONValue) {
        guard let port = value["peer_port"]?.intValue, (1...65_535).contains(port) else { return nil }
        let version = value["version"]?.stringValue.flatMap { $0.utf8.count <= 32 ? $0 : nil }
        self.init(
            id: value["id"]?.stringValue.flatMap { NodeID($0) }, peerPort: port, version: version,
            protocolVersion: value["protocol"]?.intValue)
    }
}

extension CellInfo {
    /// Reads what a port answered to `GET /health`.
    ///
    /// - Returns: `nil` for whatever does not answer as a cell does, such as a plain web server or a node.
    package init?(health body: some Collection<UInt8>, from target: HostsFile.Target) {
        guard let value = try? JSONBody.decode(JSONValue.self, from: body), var fields = try? FieldReader(value),
            value["status"]?.stringValue != nil
        else { return nil }
        let cell = CellInfo(
            cellID: fields.text("cell_id"), ip: target.address.host, port: target.address.port,
            level: fields.number("consciousness_level") ?? 0, services: fields.texts("services"),
            branch: fields.text("branch", or: target.host.branch ?? "main"), type: fields.text("type", or: "cell"),
            hostname: fields.text("hostname", or: target.host.hostname ?? ""))
        guard fields.faults.isEmpty, !cell.cellID.isEmpty else { return nil }
        self = cell
    }
}

extension CellInfo {
    /// Where this cell's peer port may be found; `nil` for a cell that is no kith node.
    package var suggestion: Suggestion? {
        guard let kith = kith ?? KithCell(services: services), let address = PeerAddress(host: ip, port: kith.peerPort)
        else { return nil }
        return Suggestion(
            address: address, id: kith.id, name: NodeName(cellID), version: kith.version,
            protocolVersion: kith.protocolVersion)
    }
}
