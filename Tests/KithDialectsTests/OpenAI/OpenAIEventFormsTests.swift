// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

/// One way of writing a stream that says "hello".
struct StreamForm: Sendable, CustomTestStringConvertible {
    var what: String
    var text: String
    var finish: String? = "stop"

    var testDescription: String { what }

    private static func piece(_ delta: String, _ finish: String = "null") -> String {
        #"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(finish)}]}"#
    }

    private static let pieces = [
        piece(#"{"role":"assistant","content":"hel"}"#), piece(#"{"content":"lo"}"#), piece("{}", "\"stop\""),
    ]

    private static func written(
        _ pieces: [String] = pieces, end: String = "\n", data: String = "data: ", done: String = "data: [DONE]\n\n"
    ) -> String { pieces.map { data + $0 + end + end }.joined() + done }

    static let events: [StreamForm] = [
        StreamForm(what: "CR LF", text: written(end: "\r\n", done: "data: [DONE]\r\n\r\n")),
        StreamForm(what: "CR", text: written(end: "\r", done: "data: [DONE]\r\r")),
        StreamForm(what: "no space", text: written(data: "data:", done: "data:[DONE]\n\n")),
        StreamForm(what: "LF", text: written()),
        StreamForm(what: "comments", text: ": PROCESSING\n\n:\n\n" + written()),
        StreamForm(what: "a byte order mark", text: "\u{FEFF}" + written()),
        StreamForm(what: "retry, id and event", text: "retry: 100\nid: 7\nevent: message\n" + written()),
        StreamForm(what: "no DONE", text: written(done: "")),
        StreamForm(what: "no last blank line", text: written(done: "data: [DONE]")),
        StreamForm(what: "DONE with a space", text: written(done: "data: [DONE] \n\n")),
        StreamForm(what: "the last event not ended", text: String(written(done: "").dropLast(2))),
        StreamForm(
            what: "several data lines",
            text: written(["{\"id\":\"c\",\ndata: " + piece(#"{"content":"hello"}"#, "\"stop\"").dropFirst(1)])),
        StreamForm(what: "no finish reason", text: written(Array(pieces.dropLast())), finish: nil),
        StreamForm(
            what: "an odd finish reason", text: written(pieces.dropLast() + [piece("{}", "\"eos_token\"")]),
            finish: "eos_token"),
        StreamForm(
            what: "text with the finish reason", text: written([pieces[0], piece(#"{"content":"lo"}"#, "\"stop\"")])),
        StreamForm(
            what: "content in parts",
            text: written([
                piece(#"{"content":[{"type":"text","text":"hel"},{"type":"text","text":"lo"}]}"#), pieces[2],
            ])),
        StreamForm(what: "something after DONE", text: written() + "data: {\"usage\":1}\n\ndata: nonsense\n\n"),
        StreamForm(what: "an empty finish reason", text: written([piece(#"{"content":"hello"}"#, "\"\""), pieces[2]])),
        StreamForm(what: "a ping", text: "event: ping\ndata: {\"type\":\"ping\"}\n\n" + written()),
        StreamForm(what: "empty data", text: "data\n\ndata:\n\ndata: null\n\n" + written()),
    ]

    static let chunks: [StreamForm] = [
        ("no id", #""id":"c","#, ""), ("no created", #""created":1,"#, ""), ("no model", #""model":"m","#, ""),
        ("no object", #""object":"chat.completion.chunk","#, ""), ("a fraction", #""created":1"#, #""created":1.5"#),
        ("null id", #""id":"c""#, #""id":null"#), ("a numeric id", #""id":"c""#, #""id":7"#),
        ("a null delta", #""delta":{}"#, #""delta":null"#), ("no delta", #""delta":{},"#, ""),
        ("no index", #""index":0,"#, ""), ("an index in words", #""index":0"#, #""index":"0""#),
        ("no finish reason while it goes on", #","finish_reason":null"#, ""),
        ("null tool calls", #""content":"lo""#, #""content":"lo","tool_calls":null"#),
        ("null content", #""delta":{}"#, #""delta":{"content":null}"#),
        ("escaped names", #""choices""#, #""choic\u0065s""#),
    ].map { StreamForm(what: $0.0, text: written().replacing($0.1, with: $0.2)) }

    static let usages: [StreamForm] = [
        #"{"id":"c","object":"o","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#,
        #"{"id":"c","object":"o","created":1,"model":"m","choices":null,"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
        #"{"id":"c","object":"o","created":1,"model":"m","usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
        #"{"choices":[],"usage":{"prompt_tokens":3.0,"completion_tokens":2.0,"total_tokens":5.0}}"#,
    ].map { StreamForm(what: $0, text: written(pieces + [$0])) }
}

@Suite("Every form of a stream is read")
struct OpenAIEventFormsTests {
    private func expectHello(_ form: StreamForm) throws -> ReaderRun {
        let raw = try ReaderRun(form.text, .raw(includesUsage: true))
        #expect(raw.failure == nil)
        #expect(raw.joined.raw.text == "hello")
        for event in try raw.objects {
            for key in ["id", "object", "model"] { #expect(event[key]?.stringValue != nil) }
            #expect(event["created"]?.intValue != nil)
            for choice in event["choices"]?.arrayValue ?? [nil] {
                #expect(choice["index"] == 0)
                #expect(choice["delta"]?.objectValue != nil)
            }
        }
        guard case .rawEnd(let finish, _)? = raw.events.last else {
            Issue.record("no end")
            return raw
        }
        #expect(finish?.rawValue == form.finish)
        let decoded = try ReaderRun(form.text, .decoded)
        #expect(decoded.text == "hello")
        guard case .finished(let reason, _)? = decoded.events.last else {
            Issue.record("no end")
            return raw
        }
        #expect(reason.rawValue == form.finish ?? "stop")
        return raw
    }

    @Test("Events as engines and the proxies before them write them", arguments: StreamForm.events)
    func events(form: StreamForm) throws { _ = try expectHello(form) }

    @Test("Chunks that leave out what they need not say", arguments: StreamForm.chunks)
    func chunks(form: StreamForm) throws { _ = try expectHello(form) }

    @Test("Usage in each of its forms", arguments: StreamForm.usages)
    func usages(form: StreamForm) throws {
        let raw = try expectHello(form)
        guard case .rawEnd(_, let usage)? = raw.events.last else { return }
        #expect((usage.promptTokens, usage.completionTokens) == (3, 2))
        #expect(try raw.objects.last?["choices"] == [])
    }

    private func calls(_ run: ReaderRun) throws -> [JSONValue] {
        try run.objects.flatMap { $0["choices"]?.arrayValue?.first?["delta"]?["tool_calls"]?.arrayValue ?? [] }
    }

    @Test(
        "Two calls have two indexes, and each piece that of its call",
        arguments: [
            // Each: index, id, name; and the index that the client is to see.
            ("none", [(nil, "a", "f", 0), (nil, "b", "f", 1)]),
            ("the same", [(0, "a", "f", 0), (0, "b", "f", 1), (0, nil, nil, 1)]),
            ("no ids", [(nil, nil, "f", 0), (nil, nil, nil, 0), (nil, nil, "f", 1), (nil, nil, nil, 1)]),
            ("empty ids", [(0, "", "f", 0), (0, "", nil, 0), (0, "", "g", 1)]),
            ("right", [(0, "a", "f", 0), (0, nil, nil, 0), (1, "b", "g", 1), (0, nil, nil, 0), (1, nil, nil, 1)]),
            ("repeated", [(0, "a", "f", 0), (0, "a", "f", 0), (1, "b", "f", 1), (1, "b", nil, 1)]),
            ("by id", [(nil, "a", "f", 0), (nil, "b", "f", 1), (nil, "a", nil, 0)]),
            ("from one", [(1, "a", "f", 1), (1, nil, nil, 1), (2, "b", "f", 2)]),
            ("id later", [(0, nil, "f", 0), (0, "a", nil, 0), (0, "b", "f", 1)]),
        ] as [(String, [(Int?, String?, String?, Int)])])
    func toolCalls(what: String, pieces: [(Int?, String?, String?, Int)]) throws {
        var text = ""
        for (index, id, name, _) in pieces {
            var call: JSONObject = ["function": ["arguments": "x"]]
            if let index { call["index"] = .integer(Int64(index)) }
            if let id { call["id"] = .string(id) }
            if let name { call["function"] = ["name": .string(name), "arguments": "x"] }
            let event: JSONValue = [
                "id": "c", "object": "o", "created": 1, "model": "m",
                "choices": [["index": 0, "delta": ["tool_calls": [.object(call)]], "finish_reason": nil]],
            ]
            text += "data: \(event.jsonText ?? "")\n\n"
        }
        text += "data: [DONE]\n\n"
        let run = try ReaderRun(text, .raw(includesUsage: false))
        #expect(try calls(run).map { $0["index"]?.intValue } == pieces.map(\.3))
        let decoded = try ReaderRun(text, .decoded)
        #expect(decoded.deltas.map { $0.toolCalls?.arrayValue?.first?["index"]?.intValue } == pieces.map(\.3))
    }

    @Test(
        "An error in the middle is an error, in the engine's words",
        arguments: [
            (#"data: {"error":{"message":"out of memory","type":"server","code":"oom","param":"p"}}"#, "oom"),
            (#"data: {"error":"out of memory"}"#, nil),
            (
                #"data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],"error":{"code":502,"message":"out of memory"}}"#,
                "502"
            ),
            ("event: error\ndata: {\"message\":\"out of memory\",\"code\":7}", "7"),
            ("event: error\ndata: out of memory", nil),
            (#"data: {"object":"error","message":"out of memory","code":400}"#, "400"),
            (#"data: {"error":{"error":{"detail":[{"msg":"out of memory"}]}}}"#, nil),
            (#"data: {"choices":[{"index":0,"delta":{},"error":{"message":"out of memory"}}]}"#, nil),
        ])
    func errors(event: String, code: String?) throws {
        let before =
            #"data: {"id":"c","object":"o","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"half"}}]}"#
        for mode in [OpenAIEventReader.Mode.raw(includesUsage: false), .decoded] {
            let run = try ReaderRun("\(before)\n\n\(event)\n\ndata: [DONE]\n\n", mode)
            #expect(run.failure?.code == .engineError)
            #expect(run.failure?.message == "the engine reports: out of memory")
            #expect(run.failure?.engineCode == code)
            #expect(run.text + run.joined.raw.text == "half")
            #expect(run.events.count == 1)
        }
    }

    @Test("A finish that says that it failed is a failure", arguments: ["error", "abort", "cancelled", "canceled"])
    func failedFinish(word: String) throws {
        let text =
            #"data: {"id":"c","object":"o","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"\#(word)"}]}"#
            + "\n\ndata: [DONE]\n\n"
        for mode in [OpenAIEventReader.Mode.raw(includesUsage: false), .decoded] {
            let run = try ReaderRun(text, mode)
            #expect(run.failure?.code == .engineError)
            #expect(run.events.isEmpty)
        }
    }

    @Test(
        "What is not a whole answer of the dialect fails with a reason",
        arguments: [
            ("", ChatError.Code.interrupted), ("data: {\"choices\":[{\"index\":0", .interrupted),
            ("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n", .interrupted),
            ("data: <html>\n\n", .invalidAnswer),
            ("data: [1]\n\n", .invalidAnswer), ("data: \"x\"\n\n", .invalidAnswer), ("<html></html>", .interrupted),
            ("{\"choices\":[]}", .invalidAnswer), ("{\"error\":{\"message\":\"x\"}}", .engineError),
            ("{\"choices\":", .invalidAnswer),
        ])
    func failures(text: String, code: ChatError.Code) throws {
        for mode in [OpenAIEventReader.Mode.raw(includesUsage: false), .decoded] {
            #expect(try ReaderRun(text, mode).failure?.code == code)
        }
    }

    @Test("Events are bounded, and large ones are read")
    func limits() throws {
        func text(_ size: Int) -> String {
            #"data: {"id":"c","object":"o","created":1,"model":"m","choices":[{"index":0,"delta":{"content":""#
                + String(repeating: "x", count: size) + "\"},\"finish_reason\":\"stop\"}]}\n\n"
        }
        let bytes = Array(text(3 << 20).utf8)
        let run = try ReaderRun(bytes, .decoded, cuts: Array(stride(from: 1_000, to: bytes.count, by: 16_384)))
        #expect(run.text.utf8.count == 3 << 20)
        var reader = OpenAIEventReader(kind: .chat, mode: .decoded, fallback: ReaderRun.fallback, limit: 1_000)
        var events: [ChatEvent] = []
        let long = Array("data: ".utf8) + [UInt8](repeating: 120, count: 2_000)
        do {
            try reader.feed(long, into: &events)
            Issue.record("a line without end was read")
        } catch let failure as ChatError {
            #expect(failure.code == .invalidAnswer)
        }
    }
}
