// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a node says of its audit trail, at `/api/audit`, in a file and to syslog.
package enum AuditMessage {
    package struct Line: Codable, Hashable, Sendable {
        /// Larger than those of all earlier lines; left out where the line is not from the database.
        package var id: Int64?
        /// RFC 3339.
        package var at: String
        package var kind: String
        package var subject: String?
        package var source: String?
        package var reason: String
        /// How many times the same happened.
        package var count: Int

        package init(_ record: AuditRecord, id: Int64? = nil) {
            self.id = id
            at = record.at.rfc3339
            kind = record.kind.rawValue
            subject = record.subject
            source = record.source
            reason = record.reason
            count = record.count
        }

        /// In one line of JSON, without its end.
        ///
        /// - Throws: `EncodingError`, which these texts cannot cause.
        package func bytes() throws -> [UInt8] { try JSONBody.encodeLine(self) }
    }

    package struct Lines: Codable, Hashable, Sendable {
        /// The oldest first.
        package var lines: [Line]

        package init(lines: [Line]) { self.lines = lines }
    }
}
