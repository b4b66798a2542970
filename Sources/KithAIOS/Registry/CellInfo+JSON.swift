// SPDX-License-Identifier: Apache-2.0

import KithModel

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
