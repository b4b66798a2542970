// SPDX-License-Identifier: Apache-2.0

import KithModel

/// One event of a `text/event-stream` (WHATWG HTML, 9.2).
package struct ServerSentEvent: Hashable, Sendable {
    /// `nil` stands for the default, `message`.
    package var name: String?
    package var data: String

    package init(name: String? = nil, data: String) {
        self.name = name
        self.data = data
    }
}

/// Reads a `text/event-stream` piece by piece, wherever the pieces were cut.
package struct ServerSentEventDecoder: Sendable {
    private var lines: LineDecoder
    private var name: String?
    private var data: [String] = []
    private var dataBytes = 0
    private let limit: Int

    package init(limit: Int = LineDecoder.defaultLimit) {
        lines = LineDecoder(limit: limit)
        self.limit = limit
    }

    /// - Returns: The events that `bytes` completes.
    /// - Throws: ``ChatFailure`` with `invalidAnswer` when a line or an event is longer than the limit.
    package mutating func feed(_ bytes: some Collection<UInt8>) throws -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for line in try lines.feed(bytes) {
            if let event = try take(line) { events.append(event) }
        }
        return events
    }

    private mutating func take(_ line: [UInt8]) throws -> ServerSentEvent? {
        if line.isEmpty {
            defer { (name, data, dataBytes) = (nil, [], 0) }
            return data.isEmpty ? nil : ServerSentEvent(name: name, data: data.joined(separator: "\n"))
        }
        guard line.first != UInt8(ascii: ":") else { return nil }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[min(colon + 1, line.endIndex)...]
        if value.first == UInt8(ascii: " ") { value.removeFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "data":
            dataBytes += value.count
            guard dataBytes <= limit else {
                throw ChatFailure(.invalidAnswer, "an event of the answer is longer than \(limit) bytes")
            }
            data.append(String(decoding: value, as: UTF8.self))
        case "event": name = String(decoding: value, as: UTF8.self)
        default: break
        }
        return nil
    }
}
