// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithInference

@Suite("What the client has already")
struct PrefixCheckTests {
    @Test(
        "Cut into pieces anywhere, an answer given anew yields exactly what comes after the beginning",
        arguments: [1, 2] as [UInt64])
    func pieces(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let answer = "Ein Dach über dem Kopf 🏠, und e\u{301} – «fertig»."
        for _ in 0..<500 {
            let scalars = Array(answer.unicodeScalars)
            let cut = Int.random(in: 0...scalars.count, using: &generator)
            var check = PrefixCheck(String(String.UnicodeScalarView(scalars[..<cut])))
            var passed = ""
            var rest = scalars[...]
            while !rest.isEmpty {
                let length = Int.random(in: 1...7, using: &generator)
                let piece = rest.prefix(length)
                rest = rest.dropFirst(piece.count)
                passed += try check.take(String(String.UnicodeScalarView(piece)))
            }
            #expect(Array(passed.utf8) == Array(String(String.UnicodeScalarView(scalars[cut...])).utf8))
            #expect(check.isPassed)
        }
    }

    @Test("Another answer is refused at its first other byte, also when it only looks the same")
    func otherAnswers() throws {
        var other = PrefixCheck("café")
        #expect(try other.take("caf").isEmpty)
        #expect(throws: ChatError.self) { try other.take("e\u{301}") }
    }

    @Test("White space that the engine was not told is taken from what goes on, and nothing else")
    func space() {
        var same = SpaceCheck(" \n")
        #expect(same.take(" ") + same.take("\nand") + same.take(" \nmore") == "and \nmore")
        var none = SpaceCheck(" \n")
        #expect(none.take("and") + none.take(" \n") == "and \n")
    }

    @Test(
        "An answer is handed over as a last message, as a prompt, and after a client's own beginning")
    func handedOver() throws {
        let begun = PartialAnswer(text: "one two ", tokens: 2)
        let chat = ChatRequest(messages: [ChatMessage(.user, "count")])
        let told = try #require(chat.prefilled(begun, in: .init()))
        #expect(told.request.messages.last == ChatMessage(.assistant, "one two "))
        #expect(told.untold.isEmpty)

        let trimmed = try #require(chat.prefilled(begun, in: .init(mayEndInSpace: false)))
        #expect(trimmed.request.messages.last == ChatMessage(.assistant, "one two"))
        #expect(trimmed.untold == " ")
        #expect(chat.prefilled(PartialAnswer(text: " ", tokens: 1), in: .init(mayEndInSpace: false)) == nil)

        let own = ChatRequest(messages: [ChatMessage(.user, "count"), ChatMessage(.assistant, "zero ")])
        #expect(own.prefilled(begun, in: .init())?.request.messages.last == ChatMessage(.assistant, "zero one two "))

        let text = ChatRequest(kind: .completion, messages: [ChatMessage(.user, "zero ")])
        #expect(text.prefilled(begun, in: .init())?.request.messages == [ChatMessage(.user, "zero one two ")])
    }

    @Test("Usage that other machines claim does not overflow")
    func usage() {
        let begun = PartialAnswer(text: "", tokens: .max)
        let claimed = TokenUsage(promptTokens: .min, completionTokens: .max)
        #expect(claimed.following(begun).completionTokens == .max)
        #expect(claimed.following(begun).promptTokens == 0)
        #expect(claimed.remaining(after: PartialAnswer(text: "", tokens: .min)).completionTokens == .max)
    }
}
