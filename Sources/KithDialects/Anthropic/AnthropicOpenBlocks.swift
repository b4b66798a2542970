// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Which content block of a streamed message is open, and what waits until it may be closed.
///
/// A value that is fed the pieces of an answer and says what a client is told. A call is closed only when its arguments are
/// a whole JSON object, whatever the engine says in between: its block, once closed, is run. After a fault nothing is told.
struct AnthropicOpenBlocks: Sendable {
    enum Piece: Sendable {
        case text(String)
        case thought(String)
    }

    enum Step: Hashable, Sendable {
        case beginText
        case beginThought
        case beginCall(Call)
        case text(String)
        case thought(String)
        case signature(String)
        case arguments(String)
        /// A block that is there at once; closed like others.
        case redactedThought(JSONValue)
        case close
    }

    /// The head of a call.
    struct Call: Hashable, Sendable {
        /// Among the calls of the answer, as the engine counts.
        var place: Int
        /// The engine's name for it, if it has given one.
        var id: String?
        var name: String
    }

    private enum Block: Sendable {
        case text
        case thought(signature: String?)
        case redacted
        case call(Call, JSONObjectText)
    }

    /// What has come for a block that is not open yet.
    private enum Waiting: Sendable {
        case text(String)
        case thought(String)
        case call(Call, arguments: String)
    }

    /// Calls of tools in one answer, and blocks that wait.
    private static let callLimit = 1_024
    /// Bytes that wait, and bytes of the arguments of one call.
    private static let byteLimit = 16 << 20

    private var open: Block?
    private var waiting: [Waiting] = []
    private var waitingBytes = 0
    private var begun: Set<Int> = []
    /// The last place at which a call has begun.
    private var lastPlace: Int?
    /// Why the rest cannot be told.
    private(set) var fault: String?
    private(set) var hasCalls = false

    // MARK: Pieces

    mutating func add(_ piece: Piece) -> [Step] {
        guard fault == nil else { return [] }
        var steps: [Step] = []
        guard waiting.isEmpty, closeForNext(piece, &steps) else {
            wait(piece)
            return steps
        }
        tell(piece, &steps)
        return steps
    }

    /// A piece of thoughts that carries what its provider wants to see again: a signature, or thoughts that are encrypted.
    mutating func add(signed block: JSONValue) -> [Step] {
        guard fault == nil, waiting.isEmpty else { return [] }
        if block["type"] == "redacted_thinking" {
            var steps: [Step] = []
            guard close(&steps) else { return [] }
            open = .redacted
            return steps + [.redactedThought(block)]
        }
        guard let signature = block["signature"]?.stringValue, !signature.isEmpty else { return [] }
        var steps: [Step] = []
        if case .thought(signature: nil)? = open {
            open = .thought(signature: signature)
            return []
        }
        // Thoughts that are not shown come without a text.
        guard close(&steps) else { return [] }
        open = .thought(signature: signature)
        return steps + [.beginThought]
    }

    /// - Parameter call: A piece of a call in OpenAI's streaming form.
    mutating func add(call: JSONValue) -> [Step] {
        guard fault == nil else { return [] }
        let function = call["function"]
        let name = function?["name"]?.stringValue ?? ""
        let place = call["index"]?.intValue ?? (name.isEmpty ? lastPlace : nil) ?? freePlace
        let arguments = Self.text(of: function?["arguments"])
        if begun.contains(place) { return add(arguments: arguments, toCallAt: place) }
        guard begun.count < Self.callLimit, !name.isEmpty else {
            fault = "the engine's call of a tool has no name, or there are too many"
            return []
        }
        begun.insert(place)
        lastPlace = place
        let id = call["id"]?.stringValue
        let head = Call(place: place, id: id?.isEmpty == false ? id : nil, name: name)
        var steps: [Step] = []
        guard waiting.isEmpty, close(&steps) else {
            waiting.append(.call(head, arguments: arguments))
            count(arguments)
            return steps
        }
        begin(head, &steps)
        tell(arguments: arguments, &steps)
        return steps
    }

    /// For a call that the engine gives no index.
    private var freePlace: Int {
        var place = begun.count
        while begun.contains(place) { place += 1 }
        return place
    }

    private mutating func add(arguments: String, toCallAt place: Int) -> [Step] {
        guard !arguments.isEmpty else { return [] }
        var steps: [Step] = []
        if case .call(let head, _)? = open, head.place == place {
            tell(arguments: arguments, &steps)
            goOn(&steps)
            return steps
        }
        for (number, block) in waiting.enumerated() {
            guard case .call(let head, var before) = block, head.place == place else { continue }
            waiting[number] = .text("")  // so that the arguments are not copied to be changed
            before += arguments
            waiting[number] = .call(head, arguments: before)
            count(arguments)
            return steps
        }
        // Its block is closed, and cannot be opened again.
        if !arguments.allSatisfy(\.isWhitespace) { fault = "the engine goes on with a call of a tool that was whole" }
        return steps
    }

    /// Engines give arguments as a piece of JSON, and a few as an object.
    private static func text(of arguments: JSONValue?) -> String {
        switch arguments {
        case .string(let piece)?: piece
        case .object?: arguments?.jsonText ?? ""
        default: ""
        }
    }

    // MARK: The end

    /// The answer is whole, as far as the engine goes.
    ///
    /// - Parameter mayBeCut: Whether it ended at a limit, perhaps in the middle of a call, whose block then stays open.
    mutating func end(mayBeCut: Bool) -> [Step] {
        guard fault == nil else { return [] }
        var steps: [Step] = []
        while fault == nil {
            if isCut {
                if mayBeCut { return steps }
                fault = "the engine calls a tool with what is not a JSON object"
                return steps
            }
            close(always: &steps)
            guard !waiting.isEmpty else { break }
            openNext(&steps)
        }
        return steps
    }

    /// Whether the open block is a call that is no whole object; one without arguments is whole at the end.
    private var isCut: Bool {
        guard case .call(_, let arguments)? = open else { return false }
        return !arguments.isEmpty && !arguments.isObject
    }

    // MARK: Blocks

    /// - Returns: Whether a piece can be told now, in its own block.
    private mutating func closeForNext(_ piece: Piece, _ steps: inout [Step]) -> Bool {
        switch (open, piece) {
        case (.text?, .text), (.thought(signature: nil)?, .thought): true
        default: close(&steps)
        }
    }

    private mutating func tell(_ piece: Piece, _ steps: inout [Step]) {
        switch piece {
        case .text(let text):
            if open == nil { steps.append(.beginText) }
            open = .text
            steps.append(.text(text))
        case .thought(let thought):
            if open == nil {
                steps.append(.beginThought)
                open = .thought(signature: nil)
            }
            steps.append(.thought(thought))
        }
    }

    private mutating func begin(_ head: Call, _ steps: inout [Step]) {
        open = .call(head, JSONObjectText(limit: Self.byteLimit))
        steps.append(.beginCall(head))
    }

    private mutating func tell(arguments: String, _ steps: inout [Step]) {
        guard !arguments.isEmpty, case .call(let head, var text)? = open else { return }
        open = nil  // so that the text is not copied to be changed
        text.append(arguments)
        open = .call(head, text)
        guard !text.isTooLong else {
            fault = "the engine calls a tool with more than \(Self.byteLimit) bytes"
            return
        }
        steps.append(.arguments(arguments))
    }

    /// - Returns: `false` when the open block is a call that is not whole.
    private mutating func close(_ steps: inout [Step]) -> Bool {
        if case .call(_, let arguments)? = open, !arguments.isObject { return false }
        close(always: &steps)
        return true
    }

    private mutating func close(always steps: inout [Step]) {
        switch open {
        case nil: return
        case .thought(let signature)?: steps.append(.signature(signature ?? AnthropicMessagesAnswer.signature))
        case .call?: hasCalls = true
        case .text?, .redacted?: break
        }
        open = nil
        steps.append(.close)
    }

    // MARK: What waits

    private mutating func wait(_ piece: Piece) {
        switch (waiting.popLast(), piece) {
        case (.text(var before)?, .text(let text)):
            before += text
            waiting.append(.text(before))
        case (.thought(var before)?, .thought(let text)):
            before += text
            waiting.append(.thought(before))
        case (let last, .text(let text)): waiting += [last, .text(text)].compactMap(\.self)
        case (let last, .thought(let text)): waiting += [last, .thought(text)].compactMap(\.self)
        }
        switch piece {
        case .text(let text), .thought(let text): count(text)
        }
    }

    private mutating func count(_ text: String) {
        waitingBytes += text.utf8.count
        if waitingBytes > Self.byteLimit || waiting.count > Self.callLimit {
            fault = "the engine mixes the pieces of several calls, and there are too many"
        }
    }

    /// Tells what waits for as long as nothing stands before it.
    private mutating func goOn(_ steps: inout [Step]) {
        while fault == nil, !waiting.isEmpty, close(&steps) { openNext(&steps) }
    }

    private mutating func openNext(_ steps: inout [Step]) {
        switch waiting.removeFirst() {
        case .text(let text): tell(.text(text), &steps)
        case .thought(let text): tell(.thought(text), &steps)
        case .call(let head, let arguments):
            begin(head, &steps)
            tell(arguments: arguments, &steps)
        }
        if waiting.isEmpty { waitingBytes = 0 }
    }
}
