// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

extension FuzzDecoder {
    /// What engines and nodes stream. However the bytes are cut, they say the same.
    static let streams: [FuzzDecoder] = [
        FuzzDecoder("event-stream", seeds: ["2: note\nevent: a\ndata: x\ndata: y\n\nid: 7\r\ndata:z\r\n\r\n"]) {
            bytes in
            let cut = CutBytes(bytes)
            precondition(
                events([cut.whole]) == events(cut.parts), "a stream says something else when it is cut elsewhere")
        },
        FuzzDecoder("lines", seeds: ["3{\"a\":1}\n{\"b\":2}\r\n\nlast"]) { bytes in
            let cut = CutBytes(bytes)
            precondition(lines([cut.whole]) == lines(cut.parts), "lines differ when they are cut elsewhere")
        },
        FuzzDecoder(
            "openai-stream",
            seeds: [
                "9data: {\"id\":\"1\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"a\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n",
                "1data: {\"error\":{\"message\":\"no\"}}\n\n",
            ]
        ) { bytes in
            let cut = CutBytes(bytes)
            for mode in [OpenAIEventReader.Mode.raw(includesUsage: true), .decoded] {
                var reader = OpenAIEventReader(
                    kind: .chat, mode: mode, fallback: OpenAIAnswerHeader(id: "x", created: 1, model: "m"))
                run(cut.parts, feed: { try reader.feed($0, into: &$1) }, end: { try reader.end() })
            }
        },
        FuzzDecoder(
            "anthropic-stream",
            seeds: [
                "5event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"x\",\"usage\":{\"input_tokens\":3}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":1}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
            ]
        ) { bytes in
            var decoder = AnthropicStreamDecoder()
            run(CutBytes(bytes).parts, feed: { try decoder.feed($0, into: &$1) }, end: { try decoder.end() })
        },
        FuzzDecoder(
            "ollama-stream",
            seeds: [
                "7{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"a\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{}}}]},\"done\":false}\n{\"done\":true,\"done_reason\":\"stop\",\"eval_count\":2,\"prompt_eval_count\":1}\n"
            ]
        ) { bytes in
            var decoder = OllamaStreamDecoder()
            run(CutBytes(bytes).parts, feed: { try decoder.feed($0, into: &$1) }, end: { try decoder.end() })
        },
        FuzzDecoder(
            "ollama-pull",
            seeds: [
                "9{\"status\":\"pulling aa\",\"digest\":\"sha256:aa\",\"total\":10,\"completed\":4}\n{\"status\":\"success\"}\n"
            ]
        ) { bytes in
            let cut = CutBytes(bytes)
            precondition(signs([cut.whole]) == signs(cut.parts), "a pull says something else when it is cut elsewhere")
        },
    ]

    /// `nil` once anything was refused.
    private static func signs(_ parts: [ArraySlice<UInt8>]) -> [PullSign]? {
        var decoder = OllamaPullDecoder()
        do {
            var signs: [PullSign] = []
            for part in parts { signs += try decoder.feed(part) }
            return try signs + decoder.end()
        } catch {
            return nil
        }
    }

    private static func run(
        _ parts: [ArraySlice<UInt8>], feed: (ArraySlice<UInt8>, inout [ChatEvent]) throws -> Void,
        end: () throws -> [ChatEvent]
    ) {
        var events: [ChatEvent] = []
        do {
            for part in parts { try feed(part, &events) }
            events += try end()
        } catch {
            return  // refused
        }
    }

    /// `nil` once anything was refused: how much came before may depend on the cut.
    private static func events(_ parts: [ArraySlice<UInt8>]) -> [ServerSentEvent]? {
        var decoder = ServerSentEventDecoder(limit: 256)
        do {
            var events: [ServerSentEvent] = []
            for part in parts { events += try decoder.feed(part) }
            return try events + decoder.finish()
        } catch {
            return nil
        }
    }

    private static func lines(_ parts: [ArraySlice<UInt8>]) -> [[UInt8]]? {
        var decoder = LineDecoder(limit: 256)
        do {
            var lines: [[UInt8]] = []
            for part in parts { lines += try decoder.feed(part) }
            return lines + (decoder.finish().map { [$0] } ?? [])
        } catch {
            return nil
        }
    }
}
