// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// An engine's error response: what its status and its words mean for the client.
struct EngineErrorResponse: Sendable {
    /// The engine that answered, for the message.
    var engine: String
    var status: Int
    /// The `Retry-After` header.
    var retryAfter: String?
    /// The `retry-after-ms` header.
    var retryAfterMilliseconds: String?
    var body: [UInt8]
    /// The requested model.
    var model: ModelID?
    /// Never repeated, even if the engine does so.
    var key: Secret?
    var now = WallTime.now()

    var failure: ChatError {
        let words = EngineWords(body, key: key)
        var failure = failure(words)
        failure.engineCode = words.code
        failure.engineType = words.type
        if failure.code == .invalidRequest { failure.excess = words.excess }
        if failure.code == .invalidRequest, (400..<500).contains(status) { failure.engineStatus = status }
        return failure
    }

    private func failure(_ words: EngineWords) -> ChatError {
        let message = words.message
        switch status {
        case 401: return ChatError(.unauthorized, "\(engine) refuses the key it was given")
        case 402: return ChatError(.unauthorized, message ?? "\(engine) wants to be paid")
        case 403:
            guard !speaksOfKey(words) else {
                return ChatError(.unauthorized, "\(engine) refuses the key it was given")
            }
            return ChatError(.invalidRequest, message ?? "\(engine) does not permit this request", field: words.field)
        case 404:
            guard speaksOfModel(words) else {
                return ChatError(.unsupported, message.map { "\(engine) does not offer this: \($0)" } ?? noSuchPath)
            }
            return ChatError(
                .modelNotFound, message ?? "\(engine) does not know \(model.map { "the model \($0)" } ?? "this model")",
                field: "model")
        case 400, 413, 415, 422:
            if let feature = message.flatMap(Feature.denied) { return lacking(feature, message) }
            return ChatError(.invalidRequest, message ?? "\(engine) refuses the request", field: words.field)
        case 405, 501: return ChatError(.unsupported, message ?? "\(engine) does not offer this", field: words.field)
        case 408, 504: return ChatError(.timeout, message ?? "\(engine) gave up waiting")
        case 429: return ChatError(.rateLimited, message ?? "\(engine) wants fewer requests", retryAfter: delay)
        case 503, 529: return ChatError(.overloaded, message ?? "\(engine) is overloaded", retryAfter: delay)
        case 500...599:
            if let feature = message.flatMap(Feature.denied) { return lacking(feature, message) }
            return ChatError(.engineError, "\(engine) failed" + (message.map { ": \($0)" } ?? ""))
        default:
            return ChatError(
                .invalidAnswer, "\(engine) answered with status \(status)" + (message.map { ": \($0)" } ?? ""))
        }
    }

    private var noSuchPath: String { "\(engine) does not know this path; its address may be wrong" }

    /// A picture for a model that only reads text is the client's error, whatever the engine calls it.
    private func lacking(_ feature: Feature, _ message: String?) -> ChatError {
        ChatError(.unsupported, message ?? "\(engine) does not offer \(feature.words)", field: feature.field)
    }

    private func speaksOfModel(_ words: EngineWords) -> Bool {
        let text = "\(words.message ?? "") \(words.code ?? "") \(words.type ?? "")".lowercased()
        return text.contains("model")
            || (model.map { $0.rawValue.count > 2 && text.contains($0.rawValue.lowercased()) } ?? false)
    }

    /// A 403 says that this request is not permitted, unless it names the key.
    private func speaksOfKey(_ words: EngineWords) -> Bool {
        let text = "\(words.message ?? "") \(words.code ?? "") \(words.type ?? "")".lowercased()
        let isKey = ["api key", "api_key", "api-key", "apikey", "credential", "authenticat", "token"]
            .contains(where: text.contains)
        return isKey
            && ["invalid", "incorrect", "expired", "missing", "wrong", "not valid"].contains(where: text.contains)
    }

    private var delay: Duration? {
        RetryDelay.read(retryAfter, milliseconds: retryAfterMilliseconds, now: now)
    }
}

/// The error that an engine reports, wherever the servers of its dialect put it.
struct EngineWords: Hashable, Sendable {
    /// One line, bounded, without the key.
    var message: String?
    /// The engine's own word for what went wrong.
    var code: String?
    /// The kind of error, as the engine calls it.
    var type: String?
    /// The field of the request at fault.
    var field: String?
    /// How much too long the prompt is.
    var excess: PromptExcess?

    private static let messageLimit = 500
    private static let codeLimit = 64
    private static let bodyLimit = 1 << 16
    /// Servers pass on each other's answers, one inside the other.
    private static let depthLimit = 10

    /// - Parameter key: Never repeated, even if the engine does so.
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
        excess = excess ?? message.flatMap { PromptExcess(said: $0) }
    }

    /// The innermost message counts: the outer ones come from the servers that passed it on.
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
        // A number only repeats the status.
        if let given = json["code"]?.stringValue, !given.isEmpty { code = given }
        if let given = json["type"]?.stringValue, !given.isEmpty { type = given }
        if let param = json["param"]?.stringValue, !param.isEmpty { field = param }
        // As llama.cpp says it.
        if let tokens = json["n_prompt_tokens"]?.intValue, let limit = json["n_ctx"]?.intValue {
            excess = PromptExcess(tokens: tokens, limit: limit)
        }
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

    /// The first line of a body that is neither JSON nor a web page.
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
        return HarmlessText(String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit)))).description
    }
}

/// When a server wants to be asked again: `Retry-After` (RFC 9110, section 10.2.3) and `retry-after-ms`.
enum RetryDelay {
    /// Nobody waits longer than a day.
    private static let longest = 86_400.0

    /// - Parameters:
    ///   - header: Seconds, decimals too, or a date.
    ///   - milliseconds: Takes precedence over the header.
    /// - Returns: `nil` when there is neither, or the value is not sensible.
    static func read(_ header: String?, milliseconds: String? = nil, now: WallTime) -> Duration? {
        if let text = milliseconds, let value = Double(text.trimmed), let delay = delay(value / 1_000) { return delay }
        guard let text = header?.trimmed, !text.isEmpty else { return nil }
        if let seconds = Double(text) { return delay(seconds) }
        guard let date = WallTime(httpDate: text) else { return nil }
        return delay(max(date.duration(since: now).seconds, 0))
    }

    private static func delay(_ seconds: Double) -> Duration? {
        seconds >= 0 && seconds <= longest ? .seconds(seconds) : nil
    }
}

extension String {
    fileprivate var trimmed: String {
        let rest = drop { $0 == " " || $0 == "\t" }
        return String(rest.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
