// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
package import Logging
import SystemPackage

/// How a node writes its log.
package enum LogFormat: String, Hashable, Sendable, CaseIterable {
    /// For people.
    case text
    /// A JSON object a line.
    case json
}

/// A node's log: lines go to standard error, and the last are kept for the owner to read from afar.
package struct NodeLog: Sendable {
    package let ring = LogRing()
    private let format: LogFormat

    package init(format: LogFormat = .text) { self.format = format }

    package func logger(label: String, level: Logger.Level) -> Logger {
        var logger = Logger(label: label) { NodeLogHandler(label: $0, format: format, ring: ring) }
        logger.logLevel = level
        return logger
    }
}

/// Writes each line to standard error and into a ring.
struct NodeLogHandler: LogHandler {
    private let label: String
    private let format: LogFormat
    private let ring: LogRing
    private let writeJSON: @Sendable ([UInt8]) -> Void
    private var text: StreamLogHandler

    /// - Parameter writeJSON: Takes a whole line with its end.
    init(
        label: String, format: LogFormat, ring: LogRing,
        writeJSON: @escaping @Sendable ([UInt8]) -> Void = NodeLogHandler.writeToStandardError
    ) {
        self.label = label
        self.format = format
        self.ring = ring
        self.writeJSON = writeJSON
        text = StreamLogHandler.standardError(label: label)
    }

    var logLevel: Logger.Level {
        get { text.logLevel }
        set { text.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { text.metadata }
        set { text.metadata = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { text.metadataProvider }
        set { text.metadataProvider = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { text[metadataKey: key] }
        set { text[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        var told = metadata
        if let provided = metadataProvider?.get() { told.merge(provided) { _, later in later } }
        if let own = event.metadata { told.merge(own) { _, later in later } }
        let line = LogLine(
            time: .now(), level: LogSeverity(event.level), label: label, message: "\(event.message)",
            metadata: told.mapValues { "\($0)" })
        ring.add(line)
        switch format {
        case .text: text.log(event: event)
        case .json:
            // Encoding these texts cannot fail.
            if let bytes = try? LogMessage.Line(line).bytes() { writeJSON(bytes + [UInt8(ascii: "\n")]) }
        }
    }

    /// In one call, so that lines of several threads do not mix. A failure is ignored: there is nowhere to report it.
    static func writeToStandardError(_ line: [UInt8]) { _ = try? FileDescriptor.standardError.writeAll(line) }
}

extension LogSeverity {
    init(_ level: Logger.Level) {
        switch level {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info: self = .info
        case .notice: self = .notice
        case .warning: self = .warning
        case .error: self = .error
        case .critical: self = .critical
        }
    }
}
