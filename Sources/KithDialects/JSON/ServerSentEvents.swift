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

/// Reads a `text/event-stream` piece by piece, wherever the pieces were cut; see ``EventFraming`` for the forms.
package struct ServerSentEventDecoder: Sendable {
    private static let commentsKept = 16

    private var framing: EventFraming
    private var comments: [String] = []

    package init(limit: Int = LineDecoder.defaultLimit) { framing = EventFraming(limit: limit) }

    /// - Returns: The events that `bytes` completes.
    /// - Throws: ``ChatFailure`` with `invalidAnswer` when a line or an event is longer than the limit.
    package mutating func feed(_ bytes: some Collection<UInt8>) throws -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        var found: [String] = []
        try Array(bytes).withUnsafeBufferPointer { buffer in
            try framing.feed(buffer) { Self.note($0, &events, &found) }
        }
        comments = (comments + found).suffix(Self.commentsKept)
        return events
    }

    /// Call when the body has ended.
    ///
    /// - Returns: The event that had not been closed, if any.
    package mutating func finish() throws -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        var found: [String] = []
        try framing.finish { Self.note($0, &events, &found) }
        comments = (comments + found).suffix(Self.commentsKept)
        return events
    }

    /// The comments that came since this was called last; of many the latest.
    package mutating func takeComments() -> [String] {
        defer { comments = [] }
        return comments
    }

    private static func note(
        _ item: EventFraming.Item, _ events: inout [ServerSentEvent], _ comments: inout [String]
    ) {
        switch item {
        case .event(let event):
            events.append(ServerSentEvent(name: event.name, data: String(decoding: event.data, as: UTF8.self)))
        case .comment(let words): comments.append(words)
        }
    }
}
