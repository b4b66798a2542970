// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A node's event as `GET /api/events` sends it (WHATWG HTML, 9.2): its kind as the name, and as data one JSON object with
/// `kind`, `at` and what belongs to the kind.
package enum EventLine {
    /// A comment: says that the connection is alive.
    package static let keepAlive = Array(": quiet\n\n".utf8)

    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    package static func bytes(_ event: NodeEvent) throws -> [UInt8] {
        var data = event.fields
        data["kind"] = .string(event.kind.rawValue)
        data["at"] = .string(event.at.rfc3339)
        return try Array("event: \(event.kind.rawValue)\ndata: ".utf8)
            + JSONBody.encodeLine(JSONValue.object(data))
            + Array("\n\n".utf8)
    }
}
