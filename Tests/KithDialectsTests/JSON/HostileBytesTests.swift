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

    /// Whether reading ends in a value or in words for the client; anything else is a defect.
    private func isAnswered(_ read: () throws -> Void) -> Bool {
        do {
            try read()
            return true
        } catch {
            return error is ChatError
        }
    }

    @Test("A spoilt request is read or refused in words, and never traps", arguments: 1...40 as ClosedRange<UInt64>)
    func requests(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            for body in Self.bodies {
                let bytes = Mutations.spoil(Array(body.utf8), using: &generator)
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(
                    isAnswered {
                        let request = try OpenAIChatRequest.read(bytes)
                        _ = OpenAIRequestEncoder.body(for: request, model: "m")
                        _ = try? OllamaRequestEncoder.body(for: request, model: "m")
                        _ = try? AnthropicRequestEncoder.body(for: request, model: "m")
                    }, "\(text)")
                #expect(isAnswered { _ = try OpenAICompletionRequest.read(bytes) }, "\(text)")
                #expect(isAnswered { _ = try OpenAIEmbeddingRequest.read(bytes) }, "\(text)")
                #expect(
                    isAnswered { _ = try JSONBody.decode(SeedGenerateRequest.self, from: bytes).checked() }, "\(text)")
                #expect(isAnswered { _ = try JSONBody.decode(SeedChatRequest.self, from: bytes).checked() }, "\(text)")
                #expect(isAnswered { _ = try JSONBody.decode(SeedFeedbackRequest.self, from: bytes) }, "\(text)")
            }
        }
    }

    @Test("What was read is written so that it is read the same again", arguments: 1...20 as ClosedRange<UInt64>)
    func patched(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let bytes = Mutations.spoil(Array(Self.bodies[0].utf8), using: &generator)
            guard var request = try? OpenAIChatRequest.read(bytes) else { continue }
            request.messages.append(ChatMessage(.assistant, "so far"))
            let written = OpenAIRequestEncoder.body(for: request, model: "other")
            let again = try OpenAIChatRequest.read(written)
            #expect(again.messages == request.messages, "seed \(seed)")
            #expect(again.model == "other")
            #expect(again.extensions == request.extensions)
        }
    }

    @Test("A spoilt stream is read or refused in words, and never traps", arguments: 1...40 as ClosedRange<UInt64>)
    func streams(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<10 {
            for stream in RecordedStream.all {
                let bytes = Mutations.spoil(stream.bytes, using: &generator)
                let cuts = (0..<3).map { _ in Int.random(in: 0..<max(1, bytes.count), using: &generator) }.sorted()
                for mode in [OpenAIEventReader.Mode.raw(includesUsage: true), .decoded] {
                    do {
                        let run = try ReaderRun(bytes, mode, cuts: cuts)
                        let whole = try ReaderRun(bytes, mode)
                        #expect(run.joined == whole.joined, "seed \(seed)")
                        for event in try run.objects { #expect(event.objectValue != nil) }
                    } catch {
                        Issue.record("seed \(seed): \(error) of \(String(decoding: bytes, as: UTF8.self))")
                    }
                }
            }
        }
    }
}
