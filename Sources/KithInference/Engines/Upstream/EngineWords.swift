// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// What an engine says in an answer that is none, wherever the servers of its dialect put it.
struct EngineWords: Hashable, Sendable {
    /// One line, bounded, without the key.
    var message: String?
    /// The engine's own word for what went wrong.
    var code: String?
    /// The kind of error, as the engine calls it.
    var type: String?
    /// The field of the request at fault.
    var field: String?

    private static let messageLimit = 500
    private static let codeLimit = 64
    private static let bodyLimit = 1 << 16
    /// Servers pass on each other's answers, one inside the other.
    private static let depthLimit = 10

    /// - Parameter key: Never to be repeated, should the engine do so.
    init(_ body: [UInt8], key: Secret? = nil) {
        guard body.count <= Self.bodyLimit else { return }
        if let json = try? JSONBody.decode(JSONValue.self, from: body) {
            read(json, depth: 0)
        } else {
            message = Self.plainText(body)
        }
        message = message.map { Self.line($0, limit: Self.messageLimit, key: key) }
        code = code.map { Self.line($0, limit: Self.codeLimit, key: key) }
        type = type.map { Self.line($0, limit: Self.codeLimit, key: key) }
        field = field.map { Self.line($0, limit: Self.codeLimit, key: key) }
    }

    /// The innermost message counts: the outer ones are of those who passed it on.
    private mutating func read(_ json: JSONValue, depth: Int) {
        guard depth < Self.depthLimit else { return }
        switch json {
        case .string(let text): read(text: text, depth: depth)
        case .object:
            note(json)
            for name in ["error", "message", "detail", "errors", "msg"] {
                guard let inner = json[name], inner != .null else { continue }
                let before = message
                read(inner, depth: depth + 1)
                if message != before { break }
            }
        case .array(let list):
            let parts = list.prefix(3).compactMap { Self.part($0) }
            if !parts.isEmpty {
                message = parts.joined(separator: "; ")
            } else if let first = list.first {
                read(first, depth: depth + 1)
            }
            for case .object in list.prefix(1) { note(list[0]) }
        case .null, .bool, .integer, .number, .numeral: break
        }
    }

    private mutating func note(_ json: JSONValue) {
        // A number is the status once more.
        if let given = json["code"]?.stringValue, !given.isEmpty { code = given }
        if let given = json["type"]?.stringValue, !given.isEmpty { type = given }
        if let param = json["param"]?.stringValue, !param.isEmpty { field = param }
    }

    private mutating func read(text: String, depth: Int) {
        let trimmed = text.drop { $0.isWhitespace }
        if trimmed.first == "{", let json = try? JSONBody.decode(JSONValue.self, from: Array(trimmed.utf8)) {
            let before = message
            read(json, depth: depth + 1)
            if message != before { return }
        }
        if trimmed.contains(where: { !$0.isWhitespace }) { message = text }
    }

    /// One of several errors: a string, an object with a message, or FastAPI's `{"loc": …, "msg": …}`.
    private static func part(_ json: JSONValue) -> String? {
        if let text = json.stringValue { return text }
        guard let text = ["msg", "message", "detail", "title"].lazy.compactMap({ json[$0]?.stringValue }).first
        else { return nil }
        let place = json["loc"]?.arrayValue?.compactMap { $0.stringValue ?? $0.intValue.map(String.init) }
            .filter { $0 != "body" }.joined(separator: ".")
        return place.flatMap { $0.isEmpty ? nil : "\($0): \(text)" } ?? text
    }

    /// The first line of what is neither JSON nor a page.
    private static func plainText(_ body: [UInt8]) -> String? {
        let text = String(decoding: body.prefix(4_096), as: UTF8.self)
        let line = text.split(whereSeparator: \.isNewline).lazy
            .map { $0.drop { $0.isWhitespace } }.first { !$0.isEmpty }
        guard let line, line.first != "<", line.first != "{",
            line.unicodeScalars.contains(where: \.properties.isAlphabetic),
            !line.unicodeScalars.contains(where: { $0 == "\u{FFFD}" || $0.value == 0 })
        else { return nil }
        return String(line)
    }

    private static func line(_ text: String, limit: Int, key: Secret?) -> String {
        var text = text
        if let key = key?.reveal(), !key.isEmpty { text.replace(key, with: "<secret>") }
        let line = text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }
        return String(String.UnicodeScalarView(line.prefix(limit)))
    }
}
