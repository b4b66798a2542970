// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTransport

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
