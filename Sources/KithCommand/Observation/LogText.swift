// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

/// A line of a node's log, for people.
package enum LogText {
    package static func line(_ line: LogMessage.Line, style: TerminalStyle) -> String {
        let level = line.level.rawValue
        let metadata = line.metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let colour =
            switch line.level {
            case .trace, .debug: style.dim(level)
            case .info, .notice: level
            case .warning: style.yellow(level)
            case .error, .critical: style.red(level)
            }
        return "\(style.dim(String(line.time.prefix(23)).printable)) \(colour) "
            + line.message.printable + style.dim(metadata.printable)
    }

    /// - Returns: `nil` for an event that is no line of a log.
    package static func line(of event: ServerSentEvent) -> LogMessage.Line? {
        guard event.name == "log" else { return nil }
        return try? JSONBody.decode(LogMessage.Line.self, from: Array(event.data.utf8))
    }
}

/// Tells apart lines that were shown before a connection was lost from those that came since.
package struct LogWatch: Sendable {
    private var newest = ""
    /// The lines of that moment; two may have the same.
    private var atNewest: Set<LogMessage.Line> = []
    private var limit: String?

    package init() {}

    /// The node sends its last lines once more.
    package mutating func returned() { limit = newest }

    /// - Returns: Whether the line was not shown before.
    package mutating func isNew(_ line: LogMessage.Line) -> Bool {
        if let limit, line.time < limit || line.time == limit && atNewest.contains(line) { return false }
        if line.time > newest { (newest, atNewest) = (line.time, []) }
        if line.time == newest { atNewest.insert(line) }
        return true
    }
}

/// An event of a node, for people.
package enum EventText {
    /// `12:00:03 route  desk > laptop  smollm2  completed  1.2 s  4bf92f…`; other kinds with their fields as they are.
    package static func line(_ event: ServerSentEvent, style: TerminalStyle) -> String? {
        guard let kind = event.name, let data = JSONValue(json: event.data)?.objectValue else { return nil }
        let time = data["at"]?.stringValue.map { String($0.dropFirst(11).prefix(8)) } ?? ""
        let told = kind == "route" ? route(event.data) : nil
        let words =
            told
            ?? data.filter { $0.key != "kind" && $0.key != "at" }
            .map { "\($0.key)=\(text($0.value))" }.joined(separator: " ")
        return "\(style.dim(time.printable)) \(style.bold(kind.printable)) \(words.printable)"
    }

    private static func route(_ data: String) -> String? {
        guard let object = JSONValue(json: data)?.objectValue, let id = object["id"]?.stringValue else { return nil }
        let continued = object["continuations"]?.arrayValue?.compactMap { $0["node"]?.stringValue } ?? []
        let nodes = ([object["node"]?.stringValue ?? "-"] + continued).joined(separator: " > ")
        let failure = object["failure"]?.stringValue.map { " (\($0))" } ?? ""
        let time = object["duration_ms"]?.doubleValue.map { "  " + RouteTime.text($0) } ?? ""
        return
            "\(nodes)  \(object["model"]?.stringValue ?? "-")  \(object["outcome"]?.stringValue ?? "?")\(failure)\(time)  \(id)"
    }

    private static func text(_ value: JSONValue) -> String {
        value.stringValue ?? String(decoding: value.jsonBytes, as: UTF8.self)
    }
}
