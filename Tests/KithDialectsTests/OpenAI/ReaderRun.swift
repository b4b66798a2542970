// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// A stream that is read to its end.
struct ReaderRun {
    static let fallback = OpenAIAnswerHeader(id: "kith-1", created: 77, model: "kith-model")

    private(set) var events: [ChatEvent] = []
    private(set) var failure: ChatError?

    init(
        _ bytes: [UInt8], _ mode: OpenAIEventReader.Mode, kind: ChatRequest.Kind = .chat, cuts: [Int] = [],
        continued: OpenAIAnswerHeader? = nil
    ) throws {
        var reader = OpenAIEventReader(kind: kind, mode: mode, fallback: Self.fallback, continued: continued)
        do {
            var start = 0
            for cut in cuts + [bytes.count] where cut > start {
                try reader.feed(bytes[start..<cut], into: &events)
                start = cut
            }
            events += try reader.end()
        } catch let failure as ChatError {
            self.failure = failure
        }
    }

    init(_ text: String, _ mode: OpenAIEventReader.Mode, kind: ChatRequest.Kind = .chat) throws {
        try self.init(Array(text.utf8), mode, kind: kind)
    }

    /// All raw events as one, and everything else, so that runs can be compared that were cut at other places.
    var joined: (raw: RawEvents, others: [ChatEvent]) {
        var raw = RawEvents()
        var others: [ChatEvent] = []
        for event in events {
            guard case .raw(let more) = event else {
                others.append(event)
                continue
            }
            raw.bytes += more.bytes
            raw.tokens += more.tokens
            raw.escapedText += more.escapedText
            raw.contents.formUnion(more.contents)
            raw.finish = more.finish ?? raw.finish
        }
        return (raw, others)
    }

    var rawText: String { String(decoding: joined.raw.bytes, as: UTF8.self) }

    /// The JSON of the raw events.
    var objects: [JSONValue] {
        get throws {
            try rawText.components("\n\n").filter { !$0.isEmpty }.map { try JSONValue(parsing: $0.dropFirst(6).utf8) }
        }
    }

    var deltas: [ChatDelta] {
        events.compactMap { if case .delta(let delta) = $0 { delta } else { nil } }
    }

    var text: String { deltas.map(\.text).joined() }
}

extension String {
    fileprivate func components(_ separator: String) -> [Substring] { split(separator: separator) }
}
