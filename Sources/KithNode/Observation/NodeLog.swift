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
    private let file: LogFile?

    /// - Parameter file: The file that standard error goes to, if it is one that is set aside when it is long.
    package init(format: LogFormat = .text, file: LogFile? = nil) {
        self.format = format
        self.file = file
    }

    package func logger(label: String, level: Logger.Level) -> Logger {
        var logger = Logger(label: label) { NodeLogHandler(label: $0, format: format, ring: ring, file: file) }
        logger.logLevel = level
        return logger
    }
}

/// Writes each line to standard error and into a ring.
struct NodeLogHandler: LogHandler {
    /// The time, the level and the label, roughly.
    private static let frameBytes = 48

    private let label: String
    private let format: LogFormat
    private let ring: LogRing
    private let file: LogFile?
    private let writeJSON: @Sendable ([UInt8]) -> Void
    /// Writes lines for people; has no metadata of its own, because what is written must be harmless.
    private var text: StreamLogHandler
    var metadata = Logger.Metadata()
    var metadataProvider: Logger.MetadataProvider?

    /// - Parameter writeJSON: Takes a whole line with its end.
    init(
        label: String, format: LogFormat, ring: LogRing, file: LogFile? = nil,
        writeJSON: @escaping @Sendable ([UInt8]) -> Void = NodeLogHandler.writeToStandardError,
        writeText: StreamLogHandler? = nil
    ) {
        self.label = label
        self.format = format
        self.ring = ring
        self.file = file
        self.writeJSON = writeJSON
        text = writeText ?? StreamLogHandler.standardError(label: label, metadataProvider: nil)
    }

    var logLevel: Logger.Level {
        get { text.logLevel }
        set { text.logLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var told = metadata
        if let provided = metadataProvider?.get() { told.merge(provided) { _, later in later } }
        if let own = event.metadata { told.merge(own) { _, later in later } }
        if let error = event.error { told["error"] = "\(error)" }
        let line = LogLine(
            time: .now(), level: LogSeverity(event.level), label: label, message: "\(event.message)",
            metadata: told.mapValues { "\($0)" })
        ring.add(line)
        switch format {
        case .text: text.log(event: LogEvent(line, of: event))
        case .json:
            // Encoding these texts cannot fail.
            if let bytes = try? LogMessage.Line(line).bytes() { writeJSON(bytes + [UInt8(ascii: "\n")]) }
        }
        if let file {
            let details = line.metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 2 }
            file.wrote(Self.frameBytes + line.message.utf8.count + details)
        }
    }

    /// In one call, so that lines of several threads do not mix. A failure is ignored: there is nowhere to report it.
    static func writeToStandardError(_ line: [UInt8]) { _ = try? FileDescriptor.standardError.writeAll(line) }
}

extension LogEvent {
    /// An event that says what a line does, and nothing else.
    fileprivate init(_ line: LogLine, of event: LogEvent) {
        self.init(
            level: event.level, message: "\(line.message)",
            metadata: line.metadata.isEmpty ? nil : line.metadata.mapValues { .string(Self.unmistakable($0)) },
            source: event.source, file: event.file, function: event.function, line: event.line)
    }

    /// In quotation marks what could be taken for further fields of the line.
    private static func unmistakable(_ value: String) -> String {
        guard value.contains(" "), value.contains(where: { $0 == "=" || $0 == "\"" }) else { return value }
        return "\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
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
