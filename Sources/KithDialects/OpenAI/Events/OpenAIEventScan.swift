// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What one event of a streamed answer holds, found without building it.
struct OpenAIEventScan {
    struct Choice {
        var index = 0
        var finish: JSONScanner.StringToken?
        /// `delta.content` of a chat, `text` of a completion.
        var text: JSONScanner.StringToken?
        var contents = RawEvents.Contents.none
        /// Pieces of tool calls, as the engine numbers them.
        var calls: [ToolPiece] = []
        /// Whether it holds anything but its index, a role, text and a finish reason.
        var hasMore = false
    }

    struct ToolPiece {
        var index: Int
        var id: String
        var hasName: Bool
    }

    /// Whether it has all that clients rely on, in the form in which they rely on it, so that it can be passed on as it is.
    private(set) var isCanonical = true
    /// Whether the engine reports an error.
    private(set) var hasError = false
    private(set) var id: JSONScanner.StringToken?
    private(set) var created: Int64?
    private(set) var model: JSONScanner.StringToken?
    /// `usage`, when it is an object.
    private(set) var usage: Range<Int>?
    private(set) var first: Choice?
    private(set) var others: [Choice] = []

    private var hasObject = false
    private var hasChoices = false

    /// Where the text of the first choice stands, when the event says nothing else.
    var onlyText: Range<Int>? {
        guard others.isEmpty, usage == nil, let first, first.index == 0, first.finish == nil, first.contents.isEmpty,
            first.calls.isEmpty, let text = first.text
        else { return nil }
        return text.range
    }

    /// - Throws: For what is not one JSON object.
    static func read(
        _ bytes: UnsafeBufferPointer<UInt8>, _ kind: ChatRequest.Kind
    ) throws(JSONError) -> (OpenAIEventScan, JSONScanner) {
        var scanner = JSONScanner(bytes)
        var scan = OpenAIEventScan()
        try scanner.enterObject()
        while let key = try scanner.nextKey() { try scan.member(key, &scanner, kind) }
        try scanner.end()
        if scan.id == nil || scan.model == nil || scan.created == nil || !scan.hasObject || !scan.hasChoices
            || scanner.hasLineSeparators
        {
            scan.isCanonical = false
        }
        return (scan, scanner)
    }

    private mutating func member(
        _ key: JSONScanner.StringToken, _ scanner: inout JSONScanner, _ kind: ChatRequest.Kind
    ) throws(JSONError) {
        if scanner.matches(key, "choices") {
            try choices(&scanner, kind)
        } else if scanner.matches(key, "id") {
            id = try string(&scanner)
        } else if scanner.matches(key, "object") {
            hasObject = try string(&scanner) != nil
        } else if scanner.matches(key, "created") {
            created = try integer(&scanner)
        } else if scanner.matches(key, "model") {
            model = try string(&scanner)
        } else if scanner.matches(key, "usage") {
            let isObject = scanner.kind() == .object
            let range = try scanner.skipValue()
            usage = isObject ? range : nil
        } else if scanner.matches(key, "error") {
            if !scanner.takeNull() {
                hasError = true
                try scanner.skipValue()
            }
        } else {
            if key.hasEscapes { isCanonical = false }
            try scanner.skipValue()
        }
    }

    private mutating func choices(_ scanner: inout JSONScanner, _ kind: ChatRequest.Kind) throws(JSONError) {
        guard scanner.kind() == .array else { return try odd(&scanner) }
        hasChoices = true
        try scanner.enterArray()
        while try scanner.nextElement() {
            guard scanner.kind() == .object else {
                try odd(&scanner)
                continue
            }
            let choice = try choice(&scanner, kind)
            if first == nil { first = choice } else { others.append(choice) }
        }
    }

    private mutating func choice(
        _ scanner: inout JSONScanner, _ kind: ChatRequest.Kind
    ) throws(JSONError) -> Choice {
        var choice = Choice()
        var (hasIndex, hasBody) = (false, false)
        try scanner.enterObject()
        while let key = try scanner.nextKey() {
            if scanner.matches(key, "index") {
                guard let index = try integer(&scanner), 0..<1_024 ~= index else {
                    isCanonical = false
                    continue
                }
                choice.index = Int(index)
                hasIndex = true
            } else if scanner.matches(key, "finish_reason") {
                choice.finish = scanner.takeNull() ? nil : try string(&scanner)
                if choice.finish?.isEmpty == true { isCanonical = false }
            } else if scanner.matches(key, "delta"), kind == .chat {
                guard scanner.kind() == .object else {
                    try odd(&scanner)
                    continue
                }
                hasBody = true
                try scanner.enterObject()
                while let key = try scanner.nextKey() { try deltaMember(key, &choice, &scanner) }
            } else if scanner.matches(key, "text"), kind == .completion {
                choice.text = try string(&scanner)
                hasBody = choice.text != nil
            } else if scanner.matches(key, "error") {
                if !scanner.takeNull() {
                    hasError = true
                    try scanner.skipValue()
                }
            } else {
                try unknown(key, &choice, &scanner)
            }
        }
        if !hasIndex || !hasBody { isCanonical = false }
        return choice
    }

    private mutating func deltaMember(
        _ key: JSONScanner.StringToken, _ choice: inout Choice, _ scanner: inout JSONScanner
    ) throws(JSONError) {
        if scanner.matches(key, "content") {
            choice.text = scanner.takeNull() ? nil : try string(&scanner)
        } else if scanner.matches(key, "role") {
            if !scanner.takeNull() { _ = try string(&scanner) }
        } else if scanner.matches(key, "tool_calls") {
            if scanner.takeNull() { return }
            choice.hasMore = true
            try toolCalls(&choice, &scanner)
        } else if scanner.matches(key, "reasoning_content") || scanner.matches(key, "reasoning") {
            if try isSaid(&choice, &scanner) { choice.contents.insert(.reasoning) }
        } else if scanner.matches(key, "refusal") {
            if try isSaid(&choice, &scanner) { choice.contents.insert(.refusal) }
        } else if scanner.matches(key, "function_call") {
            if !scanner.takeNull() {
                choice.contents.insert(.toolCall)
                try unknown(key, &choice, &scanner)
            }
        } else {
            try unknown(key, &choice, &scanner)
        }
    }

    private mutating func toolCalls(_ choice: inout Choice, _ scanner: inout JSONScanner) throws(JSONError) {
        guard scanner.kind() == .array else { return try odd(&scanner) }
        try scanner.enterArray()
        while try scanner.nextElement() {
            choice.contents.insert(.toolCall)
            guard scanner.kind() == .object else {
                try odd(&scanner)
                continue
            }
            var piece = ToolPiece(index: -1, id: "", hasName: false)
            try scanner.enterObject()
            while let key = try scanner.nextKey() {
                if scanner.matches(key, "index") {
                    piece.index = Int(try integer(&scanner) ?? -1)
                } else if scanner.matches(key, "id") {
                    if !scanner.takeNull(), let token = try string(&scanner) { piece.id = scanner.text(token) }
                } else if scanner.matches(key, "function"), scanner.kind() == .object {
                    try scanner.enterObject()
                    while let key = try scanner.nextKey() {
                        let isName = scanner.matches(key, "name") && scanner.kind() == .string
                        let range = try scanner.skipValue()
                        if isName, range.count > 2 { piece.hasName = true }
                    }
                } else {
                    try scanner.skipValue()
                }
            }
            choice.calls.append(piece)
        }
    }

    // MARK: Values

    /// A member that is text: whether it says anything.
    private mutating func isSaid(_ choice: inout Choice, _ scanner: inout JSONScanner) throws(JSONError) -> Bool {
        if scanner.takeNull() { return false }
        guard let token = try string(&scanner), !token.isEmpty else { return false }
        choice.hasMore = true
        return true
    }

    private mutating func unknown(
        _ key: JSONScanner.StringToken, _ choice: inout Choice, _ scanner: inout JSONScanner
    ) throws(JSONError) {
        if key.hasEscapes { isCanonical = false }
        if scanner.takeNull() { return }
        choice.hasMore = true
        try scanner.skipValue()
    }

    private mutating func string(_ scanner: inout JSONScanner) throws(JSONError) -> JSONScanner.StringToken? {
        guard scanner.kind() == .string else {
            try odd(&scanner)
            return nil
        }
        return try scanner.string()
    }

    private mutating func integer(_ scanner: inout JSONScanner) throws(JSONError) -> Int64? {
        guard scanner.kind() == .number else {
            try odd(&scanner)
            return nil
        }
        let whole = scanner.integer(try scanner.number())
        if whole == nil { isCanonical = false }
        return whole
    }

    private mutating func odd(_ scanner: inout JSONScanner) throws(JSONError) {
        isCanonical = false
        try scanner.skipValue()
    }
}

/// What the events of one answer have in common: everything except the piece of text in the middle. It recognises most
/// events at a tenth of the cost of going through their members.
struct OpenAIEventTemplate: Sendable {
    private let beginning: [UInt8]
    private let end: [UInt8]

    /// - Parameter text: Where the piece of text stands in an event that says nothing else, without its quotes.
    init(_ event: UnsafeBufferPointer<UInt8>, text: Range<Int>) {
        beginning = Array(event[..<text.lowerBound])
        end = Array(event[text.upperBound...])
    }

    /// - Returns: Where the piece of text stands in an event that differs in nothing else; `nil` for any other.
    func text(in event: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
        let rest = event.count - end.count
        guard rest >= beginning.count, ByteSearch.begins(event, with: beginning),
            ByteSearch.begins(UnsafeBufferPointer(rebasing: event[rest...]), with: end)
        else { return nil }
        // With its quotes, which are the last byte before and the first behind.
        var scanner = JSONScanner(UnsafeBufferPointer(rebasing: event[(beginning.count - 1)..<(rest + 1)]))
        guard let token = try? scanner.string(), token.range.count == rest - beginning.count, !scanner.hasLineSeparators
        else { return nil }
        return beginning.count..<rest
    }
}
