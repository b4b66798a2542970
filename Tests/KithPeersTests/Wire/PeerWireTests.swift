// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithPeers
import KithTesting
import Testing

@Suite("Peer wire")
struct PeerWireTests {
    private static let lines: [PeerWire.Line] = [
        .event(.waiting(.queued)), .event(.delta(ChatDelta(text: "a\u{2028}\n\"b\""))),
        .event(.delta(ChatDelta(text: "", reasoning: "hm", toolCalls: [["index": 0]]))),
        .event(.finished(.length, TokenUsage(promptTokens: 3, completionTokens: .max))),
        .event(.finished(.stop, TokenUsage(promptTokens: 3, completionTokens: 4, engineTime: .milliseconds(1500)))),
        .event(.rawEnd(nil, TokenUsage(promptTokens: 0, completionTokens: 4))),
        .event(.rawEnd(.init(rawValue: "eos_token"), TokenUsage(promptTokens: 1, completionTokens: 4))),
        .event(.delta(ChatDelta(refusal: "no", extra: ["audio": ["id": "a"]], choiceExtra: ["logprobs": [:]]))),
        .failure(ChatError(.overloaded, "full", retryAfter: .seconds(2), field: "f")),
    ]

    private static let prefix = Array("event: kith\ndata: ".utf8)

    /// The JSON in an event.
    private func data(_ event: [UInt8]) -> [UInt8] { Array(event.dropFirst(Self.prefix.count).dropLast(2)) }

    @Test("Every line is one event of one line, and says at the other end what was said")
    func roundTrip() throws {
        for line in Self.lines {
            let event = try line.event()
            #expect(event.starts(with: Self.prefix))
            #expect(event.suffix(2) == Array("\n\n".utf8)[...])
            #expect(!data(event).contains(UInt8(ascii: "\n")))
            #expect(!String(decoding: event, as: UTF8.self).unicodeScalars.contains("\u{2028}"))
            let back = try JSONBody.decode(PeerWire.Line.self, from: data(event))
            #expect("\(back)" == "\(line)")
        }
    }

    @Test("By how much a prompt is too long is told")
    func excess() throws {
        var failure = ChatError(.invalidRequest, "too long")
        failure.excess = PromptExcess(tokens: 9, limit: 8)
        let back = try JSONBody.decode(PeerWire.Line.self, from: data(try PeerWire.Line.failure(failure).event()))
        guard case .failure(let told) = back else {
            Issue.record("\(back) is no failure")
            return
        }
        #expect(told.excess == failure.excess)
    }

    @Test(
        "A time that no engine takes is as good as none", arguments: ["-1", "86400001", "1e999", "\"1\"", "null", "[]"])
    func absurdEngineTimes(time: String) throws {
        let usage = #"{"promptTokens":1,"completionTokens":2,"engineMilliseconds":\#(time)}"#
        let end = try JSONBody.decode(
            PeerWire.Line.self, from: Array(#"{"finish":"stop","usage":\#(usage)}"#.utf8))
        guard case .event(.finished(.stop, let read)) = end else {
            Issue.record("\(end) is no end")
            return
        }
        #expect(read == TokenUsage(promptTokens: 1, completionTokens: 2))
    }

    @Test("A spoilt line is read or refused, and never traps", arguments: 1...20 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            for line in Self.lines {
                let bytes = Mutations.spoil(data(try line.event()), using: &generator)
                do {
                    let read = try JSONBody.decode(PeerWire.Line.self, from: bytes)
                    if case .event(.finished(_, let usage)) = read { #expect(usage.totalTokens >= .min) }
                } catch {
                    #expect(error is ChatError)
                }
            }
        }
    }
}
