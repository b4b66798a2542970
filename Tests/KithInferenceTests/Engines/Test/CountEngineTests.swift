// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Testing

@Suite("The count engine")
struct CountEngineTests {
    private let engine = CountEngine()
    private static let undisturbed = (1...60).map(String.init).joined(separator: " ")

    @Test("Counts to the token limit and ends for length")
    func counts() async throws {
        let answered = try await engine.whole(ChatRequest("go", sampling: SamplingOptions(maxTokens: 4)))
        #expect(answered.tokens == ["1", " 2", " 3", " 4"])
        #expect(answered.finish == .length)
        #expect(answered.usage == TokenUsage(promptTokens: 1, completionTokens: 4))
    }

    @Test("Makes sixteen tokens when no limit is given")
    func defaultLimit() async throws {
        #expect(try await engine.whole(ChatRequest("go")).text == (1...16).map(String.init).joined(separator: " "))
    }

    @Test("Continues the undisturbed sequence from every place at which it can be cut", arguments: 0..<150)
    func everyCut(bytes: Int) async throws {
        let prefix = String(Self.undisturbed.prefix(bytes))
        let request = ChatRequest(
            messages: [ChatMessage(.user, "go"), ChatMessage(.assistant, prefix)],
            sampling: SamplingOptions(maxTokens: 5))
        let answered = try await engine.whole(request)
        #expect(Self.undisturbed.hasPrefix(prefix + answered.text))
        #expect(answered.tokens.count == 5)
    }

    @Test(
        "Continues what is only the end of a sequence",
        arguments: [
            ("41 42 43", " 44"), ("9 1", "0"), ("9 10", " 11"), ("1 2 1", " 2"), ("99 ", "100"), ("hello", "1"),
            ("", "1"),
            ("\n7\n", "8"), ("9999999999999999999999", "1"),
        ])
    func otherPrefixes(prefix: String, next: String) async throws {
        let request = ChatRequest(
            messages: [ChatMessage(.assistant, prefix)], sampling: SamplingOptions(maxTokens: 1))
        #expect(try await engine.whole(request).text == next)
    }

    @Test("Continues the prompt of a completion")
    func completion() async throws {
        let request = ChatRequest(
            kind: .completion, messages: [ChatMessage(.user, "1 2 3")], sampling: SamplingOptions(maxTokens: 2))
        #expect(try await engine.whole(request).text == " 4 5")
    }

    @Test("Never makes more tokens than the context holds")
    func contextLimit() async throws {
        let answered = try await engine.whole(ChatRequest("go", sampling: SamplingOptions(maxTokens: .max)))
        #expect(answered.usage?.totalTokens == 8_192)
    }
}
