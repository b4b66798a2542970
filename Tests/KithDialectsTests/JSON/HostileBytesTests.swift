// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting
import Testing

@Suite("Hostile bytes", .timeLimit(.minutes(2)))
struct HostileBytesTests {
    private static let bodies = [
        #"{"model":"m","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},{"role":"user","content":[{"type":"text","text":"x"}]}],"temperature":0.5,"max_tokens":12,"seed":7,"stop":["a","b"],"stream":true,"stream_options":{"include_usage":true},"tools":[{"type":"function"}]}"#,
        #"{"prompt":"What emerges for you?","temperature":0.85,"max_tokens":150,"model":"m"}"#,
        #"{"message":"hello","session":"s-1"}"#,
        #"{"score":-0.5,"session":"s","comment":"meh"}"#,
        #"{"input":["a","b"],"model":"m","encoding_format":"base64","dimensions":4}"#,
    ]

    /// Whether decoding ends in a value or in words for the client; anything else is a defect.
    private func isAnswered<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8], then use: (Value) throws -> Void)
        -> Bool
    {
        do {
            try use(try JSONBody.decode(type, from: bytes))
            return true
        } catch {
            return error is ChatFailure
        }
    }

    @Test("A spoilt request is decoded or refused in words, and never traps", arguments: 1...40 as ClosedRange<UInt64>)
    func requests(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            for body in Self.bodies {
                let bytes = Mutations.spoil(Array(body.utf8), using: &generator)
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(isAnswered(OpenAIChatRequest.self, bytes) { _ = try $0.chatRequest() }, "\(text)")
                #expect(isAnswered(OpenAICompletionRequest.self, bytes) { _ = try $0.chatRequest() }, "\(text)")
                #expect(isAnswered(OpenAIEmbeddingRequest.self, bytes) { _ = $0 }, "\(text)")
                #expect(isAnswered(SeedGenerateRequest.self, bytes) { _ = try $0.checked() }, "\(text)")
                #expect(isAnswered(SeedChatRequest.self, bytes) { _ = try $0.checked() }, "\(text)")
                #expect(isAnswered(SeedFeedbackRequest.self, bytes) { _ = $0 }, "\(text)")
            }
        }
    }

    private static let stream =
        "data: {\"id\":\"1\",\"object\":\"o\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Gr\u{FC}\u{DF}e \u{1F44B}\"}}]}\r\n\r\n: comment\n\nevent: x\ndata: {\"id\":\"1\",\"object\":\"o\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n"

    private func events(_ pieces: [ArraySlice<UInt8>]) throws -> [ChatEvent] {
        var lines = ServerSentEventDecoder(limit: 4_096)
        var decoder = OpenAIStreamDecoder(kind: .chat)
        var events: [ChatEvent] = []
        for piece in pieces {
            for event in try lines.feed(piece) { events += try decoder.take(event) }
        }
        return events + (try decoder.end())
    }

    @Test("A stream means the same wherever it is cut into pieces", arguments: 1...40 as ClosedRange<UInt64>)
    func cuts(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let bytes = Array(Self.stream.utf8)
        let whole = try events([bytes[...]])
        #expect(whole.first == .delta(ChatDelta(text: "Gr\u{FC}\u{DF}e \u{1F44B}")))
        #expect(whole.last == .finished(.stop, TokenUsage(promptTokens: 1, completionTokens: 2)))
        var rest = bytes[...]
        var pieces: [ArraySlice<UInt8>] = []
        while !rest.isEmpty {
            let length = Int.random(in: 1...min(7, rest.count), using: &generator)
            pieces.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        #expect(try events(pieces) == whole)
    }

    @Test("A spoilt stream is read or refused in words, and never traps", arguments: 1...40 as ClosedRange<UInt64>)
    func streams(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let bytes = Mutations.spoil(Array(Self.stream.utf8), using: &generator)
            do {
                _ = try events([bytes[...]])
            } catch {
                #expect(error is ChatFailure, "\(String(decoding: bytes, as: UTF8.self))")
            }
        }
    }
}
