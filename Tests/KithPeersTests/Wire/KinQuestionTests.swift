// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithPeers
import Testing

@Suite("Kin question")
struct KinQuestionTests {
    /// In no order that a coder would come upon by itself, and with a number that only its text can hold.
    private static let schema = #"""
        {"zeta":1,"alpha":{"y":[],"b":null,"x":{}},"omega":"ü","beta":12345678901234567890,"kappa":true,"eta":0.5,"gamma":"g"}
        """#

    private func translated() throws -> ChatRequest {
        let schema = try JSONValue(parsing: Self.schema.utf8)
        var called = ChatMessage(role: .assistant, content: .none)
        called.toolCalls = [["id": "c", "type": "function", "function": ["name": "add", "arguments": "{}"]]]
        called.extra["reasoning_content"] = "hm"
        return ChatRequest(
            messages: [
                ChatMessage(.system, "Be brief."), ChatMessage(role: .user, content: .parts([schema])), called,
                ChatMessage(role: .tool, content: .text(""), toolCallID: "c"),
            ],
            extensions: ["tools": [schema], "n": "left alone", "messages": ["not", "these"]])
    }

    @Test("A translated request comes to a kin with its members in their order and its numbers whole")
    func order() throws {
        let sent = try translated()
        let come = try KinQuestion.decode(KinQuestion.encode(sent))
        #expect(come.messages == sent.messages)
        #expect(come.messages.map { $0.openAI.jsonBytes } == sent.messages.map { $0.openAI.jsonBytes })
        #expect(come.extensions.jsonBytes == sent.extensions.jsonBytes)
        #expect(come.body == nil)
        #expect((come.id, come.kind, come.streams) == (sent.id, sent.kind, sent.streams))
    }

    @Test("The same request is the same bytes each time")
    func sameBytes() throws {
        let sent = try translated()
        func rest() throws -> [UInt8] {
            try Array(KinQuestion.encode(sent).drop { $0 != UInt8(ascii: "\n") })
        }
        let first = try rest()
        for _ in 0..<8 { #expect(try rest() == first) }
    }

    @Test(
        "A question whose rest is missing or is something else is refused",
        arguments: ["", "[]", "{}", #"{"messages":1}"#])
    func broken(rest: String) throws {
        let line = try KinQuestion.encode(translated()).prefix { $0 != UInt8(ascii: "\n") }
        #expect(throws: ChatError.self) { try KinQuestion.decode(line + Array("\n\(rest)".utf8)) }
    }
}
