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

/// Reads a `text/event-stream` piece by piece, wherever the pieces were cut; see `EventFraming` for the forms.
package struct ServerSentEventDecoder: Sendable {
    private static let commentsKept = 16

    private var framing: EventFraming
    private var comments: [String] = []

    package init(limit: Int = LineDecoder.defaultLimit) { framing = EventFraming(limit: limit) }

    /// - Returns: The events that `bytes` completes.
    /// - Throws: `ChatError` with `invalidAnswer` when a line or an event is longer than the limit.
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

/// Cuts a `text/event-stream` (WHATWG HTML, 9.2) into events and comments, wherever its pieces were cut, in linear time.
///
/// All forms that the standard allows are read: a byte order mark, CR, LF or CR LF, no space after a colon, several `data`
/// lines. An event that the end of the body leaves open is read too.
struct EventFraming: Sendable {
    enum Item {
        case event(Event)
        /// In the form that `ChatEvent.comment(_:)` needs.
        case comment(String)
    }

    /// An event in place, valid only during the call that passes it.
    struct Event {
        var name: String?
        var data: UnsafeBufferPointer<UInt8>
        /// Whether it is exactly `data: …` and a blank line, with nothing left out and nothing else.
        var isPlain: Bool
        /// All of it, from `data:` to its blank line, where that is contiguous.
        var whole: UnsafeBufferPointer<UInt8>?
        /// Whether a blank line followed it.
        var isClosed: Bool
    }

    private let limit: Int
    /// The beginning of a line whose end has not come.
    private var line: [UInt8] = []
    private var name: String?
    private var data: [UInt8] = []
    private var hasData = false
    /// Whether the event is written in another form than ``Event/isPlain`` says.
    private var isOdd = false
    /// Whether a line ended in CR, so that LF would belong to its end.
    private var skipsLineFeed = false
    private var isFirstLine = true

    init(limit: Int) { self.limit = limit }

    /// - Throws: What `take` throws, and `ChatError` with `invalidAnswer` when a line or an event is longer than the limit.
    mutating func feed(_ bytes: UnsafeBufferPointer<UInt8>, _ take: (Item) throws -> Void) throws {
        var index = 0
        while index < bytes.count {
            if isBetweenEvents, let end = plainEvent(at: index, in: bytes) {
                isFirstLine = false
                let data = UnsafeBufferPointer(rebasing: bytes[(index + 6)..<(end - 2)])
                let whole = UnsafeBufferPointer(rebasing: bytes[index..<end])
                try take(.event(Event(name: nil, data: data, isPlain: true, whole: whole, isClosed: true)))
                index = end
            } else {
                try line(at: &index, in: bytes, take)
            }
        }
    }

    /// Call when the body has ended.
    mutating func finish(_ take: (Item) throws -> Void) throws {
        let rest = line
        line = []
        if !rest.isEmpty { try rest.withUnsafeBufferPointer { try process($0, take) } }
        try dispatch(isClosed: false, take)
    }

    private var isBetweenEvents: Bool {
        line.isEmpty && !hasData && name == nil && !isOdd && !skipsLineFeed
    }

    /// The common case, read in place.
    ///
    /// - Returns: Where the plain event at `index` ends, its blank line included; `nil` when it has another form, or is
    ///   not whole.
    private func plainEvent(at index: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard index + 6 < bytes.count, bytes[index] == UInt8(ascii: "d"), bytes[index + 1] == UInt8(ascii: "a"),
            bytes[index + 2] == UInt8(ascii: "t"), bytes[index + 3] == UInt8(ascii: "a"),
            bytes[index + 4] == UInt8(ascii: ":"), bytes[index + 5] == UInt8(ascii: " "),
            let end = Self.lineEnd(in: bytes, from: index + 6), bytes[end] == UInt8(ascii: "\n"),
            end + 1 < bytes.count, bytes[end + 1] == UInt8(ascii: "\n"), end - index - 6 <= limit
        else { return nil }
        return end + 2
    }

    private static func lineEnd(in bytes: UnsafeBufferPointer<UInt8>, from index: Int) -> Int? {
        ByteSearch.index(of: UInt8(ascii: "\n"), or: UInt8(ascii: "\r"), in: bytes, from: index)
    }

    private mutating func line(
        at index: inout Int, in bytes: UnsafeBufferPointer<UInt8>, _ take: (Item) throws -> Void
    ) throws {
        if skipsLineFeed {
            skipsLineFeed = false
            if bytes[index] == UInt8(ascii: "\n") {
                index += 1
                return
            }
        }
        let end = Self.lineEnd(in: bytes, from: index)
        let piece = UnsafeBufferPointer(rebasing: bytes[index..<(end ?? bytes.count)])
        guard line.count + piece.count <= limit + 16 else { throw tooLong("a line") }
        index = (end ?? bytes.count - 1) + 1
        guard let end else {
            line.append(contentsOf: piece)
            return
        }
        if bytes[end] == UInt8(ascii: "\r") {
            skipsLineFeed = true
            isOdd = true
        }
        if line.isEmpty { return try process(piece, take) }
        var whole = line
        line = []
        whole.append(contentsOf: piece)
        try whole.withUnsafeBufferPointer { try process($0, take) }
    }

    private mutating func process(_ line: UnsafeBufferPointer<UInt8>, _ take: (Item) throws -> Void) throws {
        var line = line
        if isFirstLine {
            isFirstLine = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) {
                line = UnsafeBufferPointer(rebasing: line.dropFirst(3))
                isOdd = true
            }
        }
        guard let first = line.first else { return try dispatch(isClosed: true, take) }
        guard first != UInt8(ascii: ":") else { return try take(.comment(Self.comment(line))) }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[min(colon + 1, line.endIndex)...]
        let hasSpace = value.first == UInt8(ascii: " ")
        if hasSpace { value.removeFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "data":
            if hasData || !hasSpace { isOdd = true }
            if hasData { data.append(UInt8(ascii: "\n")) }
            guard data.count + value.count <= limit else { throw tooLong("an event") }
            data.append(contentsOf: value)
            hasData = true
        case "event": name = String(decoding: value.prefix(256), as: UTF8.self)
        default: isOdd = true
        }
    }

    private mutating func dispatch(isClosed: Bool, _ take: (Item) throws -> Void) throws {
        let (name, data, isPlain) = (name, data, !isOdd && name == nil && isClosed)
        let isThere = hasData
        (self.name, self.data, hasData, isOdd) = (nil, [], false, false)
        guard isThere else { return }
        try data.withUnsafeBufferPointer { bytes in
            try take(.event(Event(name: name, data: bytes, isPlain: isPlain, isClosed: isClosed)))
        }
    }

    private static func comment(_ line: UnsafeBufferPointer<UInt8>) -> String {
        var words = line.dropFirst()
        if words.first == UInt8(ascii: " ") { words.removeFirst() }
        var text = String(decoding: words.prefix(ChatEvent.commentLimit), as: UTF8.self)
        text.removeAll { $0.isNewline }
        while text.utf8.count > ChatEvent.commentLimit { text.removeLast() }
        return text
    }

    private func tooLong(_ what: String) -> ChatError {
        ChatError(.invalidAnswer, "\(what) of the answer is longer than \(limit) bytes")
    }
}
