// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("An engine's stream in OpenAI's dialect")
struct OpenAIEventReaderTests {
    private static let raw = OpenAIEventReader.Mode.raw(includesUsage: true)

    @Test("Means the same wherever it is cut, passed on or decoded", arguments: RecordedStream.all)
    func everyCut(stream: RecordedStream) throws {
        let bytes = stream.bytes
        for mode in [Self.raw, .raw(includesUsage: false), .decoded] {
            let whole = try ReaderRun(bytes, mode)
            #expect(whole.failure == nil)
            for cut in 1..<bytes.count {
                let run = try ReaderRun(bytes, mode, cuts: [cut])
                #expect(run.joined == whole.joined, "cut at \(cut)")
            }
            let single = try ReaderRun(bytes, mode, cuts: Array(1..<bytes.count))
            #expect(single.joined == whole.joined)
        }
    }

    @Test("Says its text and its end, passed on or decoded", arguments: RecordedStream.all)
    func text(stream: RecordedStream) throws {
        let raw = try ReaderRun(stream.bytes, Self.raw).joined
        #expect(raw.raw.text == stream.says)
        #expect(raw.raw.finish?.rawValue == stream.finish)
        guard case .rawEnd(let finish, let usage)? = raw.others.last else {
            Issue.record("no end in \(raw.others)")
            return
        }
        #expect(finish?.rawValue == stream.finish)
        let decoded = try ReaderRun(stream.bytes, .decoded)
        #expect(decoded.text == stream.says)
        #expect(decoded.events.last == .finished(FinishReason(rawValue: stream.finish), usage))
    }

    @Test(
        "Is passed on byte for byte where it has the form that clients rely on",
        arguments: [RecordedStream.openAI, .openAITools, .llama, .vllm])
    func untouched(stream: RecordedStream) throws {
        let run = try ReaderRun(stream.bytes, Self.raw)
        #expect(run.rawText == stream.text.replacing("data: [DONE]\n\n", with: ""))
        #expect(run.events.count == 2)
    }

    @Test("Is mended where it has not, and keeps what else it holds")
    func mended() throws {
        let router = try ReaderRun(RecordedStream.router.bytes, Self.raw)
        let objects = try router.objects
        #expect(objects.count == 3)
        #expect(
            objects.map { String(decoding: $0.jsonBytes, as: UTF8.self) }
                == RecordedStream.router.text.split(separator: "\r\n").filter { $0.hasPrefix("data: {") }
                .map { String($0.dropFirst(6)) }.map { $0.replacing("0.00014", with: "0.00014") })
        #expect(router.joined.others.filter { $0 == .comment("OPENROUTER PROCESSING") }.count == 3)

        let sparse = try ReaderRun(RecordedStream.sparse.bytes, Self.raw)
        let mended = try sparse.objects
        #expect(mended.count == 6)
        for event in mended {
            #expect(event["object"] == "chat.completion.chunk")
            #expect(event["model"] == "kith-model")
            #expect(
                event["choices"]?.arrayValue?.allSatisfy { $0["index"] == 0 && $0["delta"]?.objectValue != nil } == true
            )
        }
        #expect(mended.map { $0["id"] } == ["kith-1", "s", "s", "s", "s", "s"])
        #expect(mended.map { $0["created"] } == [77, 4, 4, 4, 4, 4])
        #expect(!sparse.rawText.unicodeScalars.contains("\u{2028}"))
    }

    @Test("Is counted by its events, and tells what is in them")
    func facts() throws {
        let openAI = try ReaderRun(RecordedStream.openAI.bytes, Self.raw).joined.raw
        #expect(openAI.tokens == 2)
        #expect(openAI.contents == .usage)
        #expect(String(decoding: openAI.escapedText, as: UTF8.self) == #"Grüße \"\ud83d\ude00\"\n"#)
        #expect(try ReaderRun(RecordedStream.openAITools.bytes, Self.raw).joined.raw.contents == .toolCall)
        #expect(try ReaderRun(RecordedStream.llama.bytes, Self.raw).joined.raw.contents == .reasoning)
    }

    @Test("Its usage is passed on to who asked for it, and read in any case", arguments: [true, false])
    func usage(isWanted: Bool) throws {
        let run = try ReaderRun(RecordedStream.openAI.bytes, .raw(includesUsage: isWanted))
        #expect(run.rawText.contains(#""choices":[]"#) == isWanted)
        guard case .rawEnd(_, let usage)? = run.events.last else { return }
        #expect((usage.promptTokens, usage.completionTokens) == (9, 3))
        #expect(usage.details?["prompt_tokens_details"]?["cached_tokens"] == 0)
    }

    @Test("Loses nothing when it is decoded")
    func decoded() throws {
        let run = try ReaderRun(RecordedStream.router.bytes, .decoded)
        #expect(
            run.deltas.first
                == ChatDelta(
                    reasoning: "I think",
                    extra: ["reasoning_details": [["type": "reasoning.text", "text": "I think", "index": 0]]]))
        #expect(run.deltas.dropFirst().first?.extra == ["annotations": [["type": "url_citation"]]])
        let logprobs = try ReaderRun(RecordedStream.openAI.bytes, .decoded).deltas.first?.choiceExtra["logprobs"]
        #expect(logprobs?["content"]?.arrayValue?.count == 1)
        let tools = try ReaderRun(RecordedStream.openAITools.bytes, .decoded)
        var joiner = DeltaJoiner(limit: 1_000)
        for delta in tools.deltas { _ = joiner.add(delta) }
        #expect(
            joiner.joined.toolCalls?.arrayValue?.map { $0["function"]?["arguments"] } == ["{\"city\":\"Oslo\"}", "{}"])
    }

    @Test("A refusal is seen, passed on or decoded")
    func refusal() throws {
        let text = """
            data: {"id":"a","object":"o","created":1,"model":"m","choices":[{"index":0,"delta":{"refusal":"No."},"finish_reason":null}]}

            data: {"id":"a","object":"o","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}


            """
        let raw = try ReaderRun(text, Self.raw)
        #expect(raw.rawText == text)
        #expect(raw.joined.raw.contents == .refusal)
        #expect(raw.events.last == .rawEnd(.contentFilter, TokenUsage(promptTokens: 0, completionTokens: 1)))
        #expect(try ReaderRun(text, .decoded).deltas == [ChatDelta(refusal: "No.")])
    }

    @Test("Several choices are passed on, and whole when each has ended")
    func choices() throws {
        func event(_ index: Int, _ finish: String) -> String {
            #"data: {"id":"a","object":"o","created":1,"model":"m","choices":[{"index":\#(index),"delta":{"content":"c\#(index)"},"finish_reason":\#(finish)}]}"#
                + "\n\n"
        }
        let half = event(0, "null") + event(1, "null") + event(1, "\"stop\"")
        #expect(try ReaderRun(half, Self.raw).failure?.code == .interrupted)
        let whole = try ReaderRun(half + event(0, "\"length\""), Self.raw)
        #expect(whole.joined.raw.text == "c0c0")
        #expect(whole.joined.raw.contents == .otherChoice)
        #expect(whole.events.last == .rawEnd(.length, TokenUsage(promptTokens: 0, completionTokens: 4)))
    }

    @Test("Text completions are read as chats are")
    func completions() throws {
        let text = """
            data: {"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{"text":"one","index":0,"logprobs":null,"finish_reason":null}]}

            data:{"choices":[{"text":" two","index":0,"finish_reason":"length"}]}

            data: [DONE]


            """
        let raw = try ReaderRun(text, Self.raw, kind: .completion)
        #expect(raw.joined.raw.text == "one two")
        #expect(try raw.objects.last?["object"] == "text_completion")
        #expect(try raw.objects.last?["id"] == "cmpl-1")
        let decoded = try ReaderRun(text, .decoded, kind: .completion)
        #expect(decoded.text == "one two")
        #expect(decoded.events.last == .finished(.length, TokenUsage(promptTokens: 0, completionTokens: 2)))
    }

    @Test("The rest of an answer says what its beginning said")
    func continued() throws {
        let header = OpenAIAnswerHeader(id: "first", created: 5, model: "first-model")
        let run = try ReaderRun(RecordedStream.openAI.bytes, Self.raw, continued: header)
        for event in try run.objects {
            #expect(event["id"] == "first")
            #expect(event["created"] == 5)
            #expect(event["model"] == "first-model")
            #expect(event["system_fingerprint"] == "fp_1")
        }
        #expect(run.joined.raw.text == RecordedStream.openAI.says)
    }

    @Test(
        "A whole answer in place of a stream becomes events",
        arguments: [OpenAIEventReader.Mode.raw(includesUsage: true), .decoded])
    func wholeAnswer(mode: OpenAIEventReader.Mode) throws {
        let body = """
             {"id":"c","object":"chat.completion","created":1,"model":"m","system_fingerprint":"f","choices":[
            {"index":0,"message":{"role":"assistant","content":"hello","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
            "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}
            """
        let run = try ReaderRun(body, mode)
        #expect(run.failure == nil)
        #expect(
            try run.events
                == OpenAIEventReader.events(
                    ofWhole: Array(body.utf8), kind: .chat, mode: mode, fallback: ReaderRun.fallback))
        let usage = TokenUsage(promptTokens: 1, completionTokens: 2)
        guard mode != .decoded else {
            #expect(run.text == "hello")
            #expect(run.deltas.first?.toolCalls?.arrayValue?.map { $0["index"] } == [0, 1])
            #expect(run.events.last == .finished(.toolCalls, usage))
            return
        }
        let objects = try run.objects
        #expect(objects.count == 3)
        #expect(objects.allSatisfy { $0["object"] == "chat.completion.chunk" && $0["system_fingerprint"] == "f" })
        #expect(run.joined.raw.text == "hello")
        #expect(run.events.last == .rawEnd(.toolCalls, usage))
    }
}
