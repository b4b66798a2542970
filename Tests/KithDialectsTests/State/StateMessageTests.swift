// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting
import Testing

@Suite("Messages about what kin share")
struct StateMessageTests {
    private static let value = StateMessage.ContextValue(
        value: ["line": 12, "text": "é\u{2028}"], source: "vscode", writtenAt: "2026-03-01T12:00:00.000000Z",
        node: "desk")
    private static let context = StateMessage.Context(
        context: [StateMessage.ContextEntry(key: "cursor", isConflict: true, values: [value, value])], hasMore: true)
    private static let sync = StateMessage.Sync(
        node: "desk", level: 1, operations: 3, quarantined: 0, versions: ["desk": 3],
        kin: [
            .init(
                id: "ABC", name: "laptop", state: .behind, behindBy: 2, aheadBy: 0, exchangedSecondsAgo: 1.5,
                unreachableSince: nil, problem: "x", level: 2, versions: ["desk": 1])
        ])

    @Test(
        "A wish holds any JSON, and null is a value too", arguments: ["null", "1", "\"x\"", "[1,{}]", "{\"a\":true}"])
    func wish(text: String) throws {
        let wish = try JSONBody.decode(StateMessage.ContextRequest.self, from: Array("{\"value\":\(text)}".utf8))
        #expect(wish.value.jsonText == text)
        #expect(wish.source == nil)
    }

    @Test(
        "What is no level is refused, with its field",
        arguments: [
            ("{}", "'level' is missing"), (#"{"level":null}"#, "'level' is missing"),
            (#"{"level":"1"}"#, "'level' must be"),
            (#"{"level":10.01}"#, "'level' has"), (#"{"level":-0.1}"#, "'level' has"),
            (#"{"level":1e999}"#, "'level' has"), ("[]", "JSON object"),
        ])
    func levels(text: String, message: String) {
        let failure = #expect(throws: ChatError.self) {
            try JSONBody.decode(StateMessage.LevelRequest.self, from: Array(text.utf8))
        }
        #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
    }

    @Test("An event is one line of data under its kind, with what it is about")
    func event() throws {
        let at = WallTime(milliseconds: 0)
        let bytes = try EventLine.bytes(NodeEvent(.context, at: at, ["key": "a\u{2028}\nb", "kind": "overruled"]))
        var decoder = ServerSentEventDecoder()
        let events = try decoder.feed(EventLine.keepAlive + bytes)
        #expect(events.count == 1)
        #expect(events.first?.name == "context")
        let data = try #require(JSONValue(json: events.first?.data ?? ""))
        #expect(data == ["key": "a\u{2028}\nb", "kind": "context", "at": .string(at.rfc3339)])
        #expect(bytes.filter { $0 == UInt8(ascii: "\n") }.count == 3)
    }

    @Test("Spoilt messages are read or refused, and never trap", arguments: 1...8 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        func spoil<Message: Codable>(_ message: Message) throws {
            let bytes = try JSONBody.encode(message)
            _ = try JSONBody.decode(Message.self, from: bytes)
            for _ in 0..<200 {
                do {
                    _ = try JSONBody.decode(Message.self, from: Mutations.spoil(bytes, using: &generator))
                } catch {
                    #expect(error is ChatError, "\(error)")
                }
            }
        }
        try spoil(Self.context)
        try spoil(Self.sync)
        try spoil(StateMessage.ContextRequest(value: [1, ["a": 2.5]], source: "editor"))
        try spoil(StateMessage.LevelRequest(level: 2.5))
        try spoil(SessionMessage.Destination(to: "laptop"))
    }
}
