// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@Suite("JSON is read and written as it was meant")
struct JSONParsingTests {
    private func text(_ value: JSONValue) -> String { String(decoding: value.jsonBytes, as: UTF8.self) }

    @Test(
        "What is read is written the same again",
        arguments: [
            "null", "true", "false", "0", "-1", "9223372036854775807", "-9223372036854775808", "0.1", "-0.0", "1e+22",
            "\"\"", "\"a\\\"b\\\\c\\n\\r\\t\"", "\"Grüße, 世界 😀\"", "[]", "{}", "[1,[2,[3]],{\"a\":[]}]",
            #"{"zebra":1,"apple":{"y":null,"x":true},"mango":[1.5]}"#,
            // Numbers that are more than a machine's.
            "18446744073709551616", "12345678901234567890123", "0.1234567890123456789", "1e400", "-1E-400",
            "3.141592653589793238462643383279",
        ])
    func same(_ written: String) throws {
        #expect(text(try JSONValue(parsing: written.utf8)) == written)
    }

    @Test(
        "What is written otherwise means the same",
        arguments: [
            (" [ 1 ,\t2\r\n] ", "[1,2]"), (#""\u0041\/\b\f""#, "\"A/\\u0008\\u000c\""),
            (#""\ud83d\ude00""#, "\"😀\""), (#""\ud83d""#, "\"\u{FFFD}\""),
            (#""\ude00\ud83dx""#, "\"\u{FFFD}\u{FFFD}x\""),
            (#""\ud83d\u0041""#, "\"\u{FFFD}A\""), ("\"a\u{2028}b\u{85}\"", #""a\u2028b\u0085""#), ("1.50", "1.5"),
            ("-0", "-0.0"), ("1E2", "100.0"), (#"{"a":1,"b":2,"a":3}"#, #"{"a":3,"b":2}"#), ("\u{FEFF}1", "1"),
        ])
    func other(_ written: String, _ again: String) throws {
        #expect(text(try JSONValue(parsing: written.utf8)) == again)
    }

    @Test(
        "What is not JSON is refused, and where",
        arguments: [
            ("", JSONError.Kind.unexpectedEnd, 0), (" ", .unexpectedEnd, 1), ("[1", .unexpectedEnd, 2),
            ("[1,]", .unexpectedByte, 3), ("{\"a\":1,}", .unexpectedByte, 7), ("{\"a\" 1}", .unexpectedByte, 5),
            ("{a:1}", .unexpectedByte, 1), ("tru", .unexpectedByte, 0), ("nul", .unexpectedByte, 0),
            ("01", .trailingBytes, 1), ("1.", .unexpectedEnd, 2), (".5", .unexpectedByte, 0), ("-", .unexpectedEnd, 1),
            ("1e", .unexpectedEnd, 2), ("+1", .unexpectedByte, 0), ("NaN", .unexpectedByte, 0),
            ("\"a", .unexpectedEnd, 2), ("\"a\nb\"", .unexpectedByte, 2), (#""\x""#, .unexpectedByte, 2),
            (#""\u12G4""#, .unexpectedByte, 5), (#""\"#, .unexpectedEnd, 2), ("1 2", .trailingBytes, 2),
            ("{} x", .trailingBytes, 3), ("[1}", .unexpectedByte, 2), ("'a'", .unexpectedByte, 0),
        ])
    func refused(_ written: String, _ kind: JSONError.Kind, _ offset: Int) {
        let problem = #expect(throws: JSONError.self) { try JSONValue(parsing: written.utf8) }
        #expect(problem == JSONError(kind, at: offset))
    }

    @Test(
        "Strings are UTF-8",
        arguments: [
            [0x80], [0xC3, 0x28], [0xC0, 0xAF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xFF],
        ] as [[UInt8]])
    func invalidText(_ bytes: [UInt8]) {
        let problem = #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
        #expect(problem?.kind == .invalidUTF8)
    }

    @Test("Levels are bounded")
    func depth() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        _ = try JSONValue(parsing: nested(JSONScanner.depthLimit).utf8)
        let problem = #expect(throws: JSONError.self) {
            try JSONValue(parsing: nested(JSONScanner.depthLimit + 1).utf8)
        }
        #expect(problem == JSONError(.tooDeep, at: JSONScanner.depthLimit))
        #expect(throws: JSONError.self) { try JSONValue(parsing: [UInt8](repeating: 0x5B, count: 1 << 20)) }
    }

    @Test("Equal is what means the same, whatever its order and form")
    func equality() throws {
        let one = try JSONValue(parsing: #"{"a":1,"b":[2.0,{"c":null,"d":"x"}]}"#.utf8)
        let other = try JSONValue(parsing: #"{"b":[2,{"d":"x","c":null}],"a":1.0}"#.utf8)
        #expect(one == other)
        #expect(Set([one, other]).count == 1)
        #expect(one.jsonBytes != other.jsonBytes)
        #expect(try JSONValue(parsing: #"{"a":1}"#.utf8) != JSONValue(parsing: #"{"a":1,"b":null}"#.utf8))
        #expect(JSONValue.integer(9_007_199_254_740_993) != .number(9_007_199_254_740_992))
    }

    @Test("An object keeps the places of its members when they are changed")
    func order() {
        var object: JSONObject = ["b": 1, "a": 2, "c": 3]
        object["a"] = 4
        object["d"] = 5
        object["b"] = nil
        object.updateFirst(0, forKey: "z")
        #expect(object.keys == ["z", "a", "c", "d"])
        #expect(object.mapValues { _ in nil }.keys == object.keys)
    }

    @Test("Numbers in any form are numbers, and none traps")
    func numbers() {
        #expect(JSONValue.number(3).intValue == 3)
        #expect(JSONValue.number(1e300).intValue == nil)
        #expect(JSONNumeral("1e400")?.doubleValue == nil)
        #expect(JSONNumeral("100000000000000000001")?.doubleValue == 1e20)
        #expect(JSONNumeral("12x") == nil)
        #expect(JSONValue.number(.infinity).jsonBytes == Array("null".utf8))
    }
}
