// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithDialects

@Suite("Tools in the Responses dialect")
struct ResponsesToolsTests {
    private static let tools = #"""
        [{"type":"function","name":"add","description":"Adds.","parameters":{"type":"object"},"strict":false},
         {"type":"custom","name":"patch","description":"Patches.","format":{"type":"grammar","syntax":"lark","definition":"start: X"}},
         {"type":"namespace","name":"agents","description":"d","tools":[{"type":"function","name":"spawn"},{"type":"function","name":"add"}]},
         {"type":"web_search"},{"type":"tool_search","execution":"client"}]
        """#

    private func prepared(_ more: String = "", tools: String = Self.tools) throws -> PreparedResponse {
        let body = #"{"input":[{"role":"user","content":"x"}],"tools":\#(tools)\#(more)}"#
        return try ResponsesRequest.read(Array(body.utf8)).prepared(createdAt: 1)
    }

    private func names(_ prepared: PreparedResponse) -> [String] {
        (prepared.chat.extensions["tools"]?.arrayValue ?? []).compactMap { $0["function"]?["name"]?.stringValue }
    }

    @Test("Engines are offered functions; custom tools take a text, namespaces are opened, and searches are left out")
    func offered() throws {
        let tools = try #require(try prepared().chat.extensions["tools"]?.arrayValue)
        #expect(
            tools[0] == [
                "type": "function",
                "function": ["name": "add", "description": "Adds.", "parameters": ["type": "object"]],
            ])
        #expect(tools[1]["function"]?["parameters"]?["required"] == ["input"])
        #expect(
            tools[1]["function"]?["description"] == "Patches.\n\nThe input must follow this lark grammar:\nstart: X")
        #expect(names(try prepared()) == ["add", "patch", "spawn", "agents__add"])
    }

    @Test("A response repeats the tools that can be called, as they were written")
    func repeated() throws {
        let response = try prepared().header.response("completed")
        #expect(response["tools"]?.arrayValue?.map { $0["type"] } == ["function", "custom", "namespace"])
        #expect(response["tools"]?.arrayValue?.first?["strict"] == false)
    }

    @Test(
        "A choice is told in the engine's words",
        arguments: [
            (#""auto""#, "auto"), (#""none""#, "none"), (#""required""#, "required"),
            (#"{"type":"function","name":"add"}"#, ["type": "function", "function": ["name": "add"]]),
            (#"{"type":"custom","name":"patch"}"#, ["type": "function", "function": ["name": "patch"]]),
            (
                #"{"type":"function","name":"add","namespace":"agents"}"#,
                ["type": "function", "function": ["name": "agents__add"]]
            ),
        ] as [(String, JSONValue)])
    func choice(written: String, told: JSONValue) throws {
        #expect(try prepared(#","tool_choice":\#(written)"#).chat.extensions["tool_choice"] == told)
    }

    @Test("Only allowed tools are offered")
    func allowed() throws {
        let prepared = try prepared(
            #","tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"custom","name":"patch"},{"type":"web_search"}]}"#
        )
        #expect(names(prepared) == ["patch"])
        #expect(prepared.chat.extensions["tool_choice"] == "required")
    }

    @Test("One call at a time is asked for only where the client wants that")
    func oneAtATime() throws {
        #expect(try prepared(#","parallel_tool_calls":true"#).chat.extensions["parallel_tool_calls"] == nil)
        #expect(try prepared(#","parallel_tool_calls":false"#).chat.extensions["parallel_tool_calls"] == false)
    }

    @Test(
        "What cannot be called is refused, and what OpenAI's servers hold is not dropped in silence",
        arguments: [
            (#","tool_choice":{"type":"web_search"}"#, ChatError.Code.unsupported),
            (#","tool_choice":{"type":"function","name":"gone"}"#, .invalidRequest),
            (#","tool_choice":{"type":"custom","name":"add"}"#, .invalidRequest),
            (#","tool_choice":"any""#, .invalidRequest),
        ] as [(String, ChatError.Code)])
    func refused(more: String, code: ChatError.Code) {
        let failure = #expect(throws: ChatError.self) { try prepared(more) }
        #expect(failure?.code == code)
        let search = #expect(throws: ChatError.self) {
            try prepared(tools: #"[{"type":"file_search","vector_store_ids":["v"]}]"#)
        }
        #expect(search?.code == .unsupported && search?.field == "tools.0.type")
        let nothing = #expect(throws: ChatError.self) {
            try prepared(#","tool_choice":"required""#, tools: #"[{"type":"web_search"}]"#)
        }
        #expect(nothing?.field == "tool_choice")
    }

    @Test("Earlier calls have the names that engines are offered now")
    func earlier() throws {
        let body = #"""
            {"tools":\#(Self.tools),"input":[{"role":"user","content":"x"},
             {"type":"function_call","call_id":"1","name":"add","namespace":"agents","arguments":""},
             {"type":"function_call_output","call_id":"1","output":"ok"}]}
            """#
        let chat = try ResponsesRequest.read(Array(body.utf8)).prepared(createdAt: 1).chat
        #expect(
            chat.messages[1].toolCalls
                == [["id": "1", "type": "function", "function": ["name": "agents__add", "arguments": "{}"]]])
    }
}
