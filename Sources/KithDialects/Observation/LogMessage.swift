// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a node says of its log, at `/api/logs` and to kin.
package enum LogMessage {
    /// One line; as the server-sent event `log` and as the line of a log in JSON.
    package struct Line: Codable, Hashable, Sendable {
        /// RFC 3339.
        package var time: String
        package var level: LogSeverity
        package var label: String
        package var message: String
        package var metadata: [String: String]

        package init(_ line: LogLine) {
            time = line.time.rfc3339
            level = line.level
            label = line.label
            message = line.message
            metadata = line.metadata
        }

        /// In one line of JSON, without its end.
        ///
        /// - Throws: `EncodingError`, which these texts cannot cause.
        package func bytes() throws -> [UInt8] { try JSONBody.encodeLine(self) }

        /// As a server-sent event.
        ///
        /// - Throws: `EncodingError`, which these texts cannot cause.
        package func event() throws -> [UInt8] { try Array("event: log\ndata: ".utf8) + bytes() + Array("\n\n".utf8) }
    }

    package struct Lines: Codable, Hashable, Sendable {
        /// The oldest first.
        package var lines: [Line]

        package init(lines: [Line]) { self.lines = lines }
    }
}
