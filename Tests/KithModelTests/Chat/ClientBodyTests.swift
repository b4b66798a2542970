// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import KithTesting
import Testing

@Suite("A client's body is patched and not rebuilt")
struct ClientBodyTests {
    private func body(_ text: String) throws -> ClientBody {
        try ClientBody(route: .openAIChatCompletions, bytes: Array(text.utf8))
    }

    private func patched(
        _ text: String, setting: [(String, JSONValue)] = [], removing: Set<String> = []
    ) throws -> String {
        String(decoding: try body(text).patched(setting: setting, removing: removing), as: UTF8.self)
    }

    @Test("A member that is there keeps its place, and all other bytes are as they were")
    func place() throws {
        let text = " { \"zeta\" : 1.50 ,\n  \"model\" : \"auto\",\t\"n\":1e0 , \"a\":\"\\u0041\" } "
        #expect(
            try patched(text, setting: [("model", "m")])
                == " { \"zeta\" : 1.50 ,\n  \"model\" : \"m\",\t\"n\":1e0 , \"a\":\"\\u0041\" } ")
        #expect(try patched(text) == text)
    }

    @Test("A name that occurs twice is noticed among few members and among many", arguments: [2, 32, 33, 500])
    func twins(count: Int) throws {
        let members = (0..<count).map { #""m\#($0)":1"# }
        #expect(try !body("{" + members.joined(separator: ",") + "}").hasTwins)
        #expect(try body("{" + (members + [#""m0":2"#]).joined(separator: ",") + "}").hasTwins)
    }

    @Test("The length of a text is that of its parts together")
    func textBytes() {
        let parts: [JSONValue] = [["type": "text", "text": "grüß"], ["type": "image_url"], ["text": "dich"]]
        for content in [MessageContent.none, .text("grüß"), .parts(parts), .parts([])] {
            #expect(content.textBytes == content.text.utf8.count)
        }
    }

    @Test("Messages of a new request are those of its body, until one is changed or the request has come from a kin")
    func messages() throws {
        var request = ChatRequest(messages: [ChatMessage(.user, "hi")])
        #expect(!request.messagesMayDiffer)
        #expect(try JSONDecoder().decode(ChatRequest.self, from: JSONEncoder().encode(request)).messagesMayDiffer)
        request.messages.removeAll()
        #expect(request.messagesMayDiffer)
    }

    @Test("A new member goes to the end")
    func added() throws {
        #expect(try patched(#"{"a":1}"#, setting: [("b", true), ("c", [1])]) == #"{"a":1,"b":true,"c":[1]}"#)
        #expect(try patched("{}", setting: [("b", true)]) == #"{"b":true}"#)
        #expect(try patched(#"{"model":null}"#, setting: [("model", "m")]) == #"{"model":"m"}"#)
    }

    @Test(
        "Members are removed with their commas",
        arguments: [
            (["a"], #"{ "b":2, "c":3 }"#), (["b"], #"{ "a":1, "c":3 }"#), (["c"], #"{ "a":1, "b":2 }"#),
            (["a", "b"], #"{ "c":3 }"#), (["b", "c"], #"{ "a":1 }"#), (["a", "b", "c"], "{  }"),
            (["x"], #"{ "a":1, "b":2, "c":3 }"#),
        ] as [(Set<String>, String)])
    func removed(_ names: Set<String>, _ expected: String) throws {
        #expect(try patched(#"{ "a":1, "b":2, "c":3 }"#, removing: names) == expected)
    }

    @Test("Of a name that comes twice the last counts, and a patched body holds it once")
    func twins() throws {
        let text = #"{"model":"a","stream":false,"model":"b","mod\u0065l":"c"}"#
        #expect(try body(text).value("model") == "c")
        #expect(try patched(text) == #"{"stream":false,"mod\u0065l":"c"}"#)
        #expect(try patched(text, setting: [("model", "d")]) == #"{"stream":false,"mod\u0065l":"d"}"#)
        #expect(try patched(text, removing: ["model"]) == #"{"stream":false}"#)
    }

    @Test("What is no object is refused", arguments: ["", "[]", "1", "{", #"{"a":1}x"#, #"{"a":}"#])
    func refused(_ text: String) { #expect(throws: JSONError.self) { try body(text) } }

    @Test("It is told where the elements of a list stand")
    func elements() throws {
        let text = #"{"messages": [ {"a":1} , 2,"x" ],"n":1}"#
        let body = try body(text)
        #expect(
            body.elements("messages")?.map { String(decoding: body.bytes[$0], as: UTF8.self) }
                == [#"{"a":1}"#, "2", "\"x\""])
        #expect(body.elements("n") == nil)
        #expect(body.elements("none") == nil)
    }

    @Test("Any patch leaves the other members byte for byte", arguments: 1...20 as ClosedRange<UInt64>)
    func random(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let spaces = ["", " ", "\n  ", "\t"]
        let values = ["1", "1.50", "\"\\u00e9\"", "null", "[1, 2]", #"{"b" : 1,"a":2}"#, "12345678901234567890"]
        func space() -> String { spaces.randomElement(using: &generator) ?? "" }
        for _ in 0..<200 {
            let names = ["a", "b", "c", "d", "e", "f"].shuffled(using: &generator)
                .prefix(Int.random(in: 0...6, using: &generator))
            let members = names.map { name in
                (name, "\"\(name)\"\(space()):\(space())\(values.randomElement(using: &generator) ?? "1")")
            }
            let text = "{" + members.map { space() + $0.1 + space() }.joined(separator: ",") + "}"
            let removed = Set(["a", "b", "c"].filter { _ in Bool.random(using: &generator) })
            let set = ["d", "e"].filter { _ in Bool.random(using: &generator) }
            let patched = try patched(text, setting: set.map { ($0, "new") }, removing: removed)
            let after = try #require(JSONValue(parsing: patched.utf8).objectValue)
            let kept = names.filter { !removed.contains($0) }
            #expect(after.keys == Array(kept) + set.filter { !names.contains($0) }, "seed \(seed): \(text)")
            for (name, member) in members where !removed.contains(name) && !set.contains(name) {
                #expect(patched.contains(member), "seed \(seed): \(text)")
            }
            for name in set { #expect(after[name] == "new") }
        }
    }
}
