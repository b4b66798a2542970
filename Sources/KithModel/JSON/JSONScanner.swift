// SPDX-License-Identifier: Apache-2.0

/// Goes over JSON (RFC 8259) and finds where values are, without building any of them.
///
/// For requests and for each piece of a stream. It looks into memory that it does not own: make it, use it and forget it
/// within one `withUnsafeBufferPointer`; `scan(_:_:)` does so. No bytes make it trap or look past their end.
package struct JSONScanner {
    /// The most arrays and objects nested in each other.
    package static let depthLimit = 256

    @usableFromInline let bytes: UnsafeBufferPointer<UInt8>
    /// Where the next thing begins.
    @inlinable package var index: Int { position }
    @usableFromInline var position = 0
    private var depth = 0
    private var isFirst = false
    /// Whether U+0085, U+2028 or U+2029 occurred in a string without an escape, where some clients see the end of a line.
    package internal(set) var hasLineSeparators = false

    /// Begins after a byte order mark, if there is one.
    package init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
    }

    package static func scan<Result, Failure: Error>(
        _ bytes: [UInt8], _ body: (inout JSONScanner) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try bytes.withUnsafeBufferPointer { (buffer: UnsafeBufferPointer<UInt8>) throws(Failure) -> Result in
            var scanner = JSONScanner(buffer)
            return try body(&scanner)
        }
    }

    // MARK: Containers

    /// The kind of the value that begins next; `nil` at the end, and where no value begins.
    @inlinable
    package mutating func kind() -> Kind? {
        skipSpace()
        switch peek() {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), 0x30...0x39: return .number
        default: return nil
        }
    }

    package enum Kind: Sendable { case object, array, string, bool, null, number }

    /// Steps into an object; ``nextKey()`` gives its keys in turn, and each value has to be read or skipped.
    package mutating func enterObject() throws(JSONError) { try enter(UInt8(ascii: "{")) }

    /// - Returns: `nil` at the end of the object, which it has then stepped over.
    package mutating func nextKey() throws(JSONError) -> StringToken? {
        guard try isFollowed(before: UInt8(ascii: "}")) else { return nil }
        let key = try string()
        skipSpace()
        try take(UInt8(ascii: ":"))
        return key
    }

    /// Steps into an array; ``nextElement()`` says whether an element follows, which has to be read or skipped.
    package mutating func enterArray() throws(JSONError) { try enter(UInt8(ascii: "[")) }

    /// - Returns: `false` at the end of the array, which it has then stepped over.
    @inlinable
    package mutating func nextElement() throws(JSONError) -> Bool {
        try isFollowed(before: UInt8(ascii: "]"))
    }

    /// Steps over a value.
    ///
    /// - Returns: The bytes it takes, without the white space around it.
    @discardableResult
    package mutating func skipValue() throws(JSONError) -> Range<Int> {
        skipSpace()
        let start = position
        switch peek() {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"):
            try enterObject()
            while try nextKey() != nil { try skipValue() }
        case UInt8(ascii: "["):
            try enterArray()
            while try nextElement() { try skipValue() }
        case UInt8(ascii: "-"), 0x30...0x39: _ = try number()
        default: try literal()
        }
        return start..<position
    }

    /// - Throws: When anything but white space follows.
    package mutating func end() throws(JSONError) {
        skipSpace()
        guard position >= bytes.count else { throw JSONError(.trailingBytes, at: position) }
    }

    // MARK: Words

    /// `true` or `false`.
    package mutating func bool() throws(JSONError) -> Bool {
        skipSpace()
        if takeWord("true") { return true }
        guard takeWord("false") else { throw unexpected }
        return false
    }

    /// Steps over `null` when it is next.
    @inlinable @inline(__always)
    package mutating func takeNull() -> Bool {
        skipSpace()
        return peek() == UInt8(ascii: "n") && takeWord("null")
    }

    private mutating func literal() throws(JSONError) {
        guard takeWord("null") || takeWord("true") || takeWord("false") else { throw unexpected }
    }

    @usableFromInline
    mutating func takeWord(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard holds(word, at: position..<position &+ count) else { return false }
        position &+= count
        return true
    }

    /// Whether these bytes are `word`, which is ASCII.
    @inlinable @inline(__always)
    package func holds(_ word: StaticString, at range: Range<Int>) -> Bool {
        guard range.count == word.utf8CodeUnitCount, range.upperBound <= bytes.count else { return false }
        let letters = word.utf8Start
        for offset in 0..<range.count where bytes[range.lowerBound &+ offset] != letters[offset] { return false }
        return true
    }

    // MARK: Parts

    @inlinable @inline(__always)
    mutating func skipSpace() {
        if position < bytes.count, bytes[position] > 0x20 { return }
        skipMoreSpace()
    }

    @usableFromInline
    mutating func skipMoreSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position &+= 1
            default: return
            }
        }
    }

    /// The next byte; 0, which JSON never holds, at the end.
    @inlinable @inline(__always)
    func peek() -> UInt8 { position < bytes.count ? bytes[position] : 0 }

    mutating func take(_ byte: UInt8) throws(JSONError) {
        guard peek() == byte else { throw unexpected }
        position &+= 1
    }

    var unexpected: JSONError {
        JSONError(position < bytes.count ? .unexpectedByte : .unexpectedEnd, at: position)
    }

    private mutating func enter(_ bracket: UInt8) throws(JSONError) {
        skipSpace()
        guard peek() == bracket else { throw unexpected }
        guard depth < Self.depthLimit else { throw JSONError(.tooDeep, at: position) }
        position &+= 1
        depth &+= 1
        isFirst = true
    }

    /// Whether another member or element follows; steps over the comma before it, or over the closing bracket.
    @usableFromInline
    mutating func isFollowed(before bracket: UInt8) throws(JSONError) -> Bool {
        skipSpace()
        if peek() == bracket {
            position &+= 1
            depth &-= 1
            isFirst = false
            return false
        }
        if isFirst { isFirst = false } else { try take(UInt8(ascii: ",")) }
        skipSpace()
        return true
    }
}

extension JSONValue {
    /// Reads one JSON text (RFC 8259) of at most ``JSONScanner/depthLimit`` levels.
    ///
    /// Members keep their order; if a name occurs twice, the last value counts. Half a surrogate pair becomes U+FFFD.
    ///
    /// - Throws: When the bytes are not one, when its strings are not UTF-8, and when something follows it.
    package init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
        self = try JSONScanner.scan((bytes as? [UInt8]) ?? Array(bytes)) { scanner throws(JSONError) in
            let value = try scanner.value()
            try scanner.end()
            return value
        }
    }
}

extension JSONScanner {
    /// Reads the value that is next.
    package mutating func value() throws(JSONError) -> JSONValue {
        skipSpace()
        switch peek() {
        case UInt8(ascii: "\""): return .string(try text())
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try enterArray()
            while try nextElement() { elements.append(try value()) }
            return .array(elements)
        case UInt8(ascii: "-"), 0x30...0x39: return value(try number())
        case UInt8(ascii: "n"):
            guard takeNull() else { throw unexpected }
            return .null
        default: return .bool(try bool())
        }
    }

    /// Reads the object that is next.
    package mutating func object() throws(JSONError) -> JSONObject {
        var members = JSONObject()
        try enterObject()
        while let key = try nextKey() { members[text(key)] = try value() }
        return members
    }

    /// Reads a value that has been stepped over.
    package func value(at range: Range<Int>) throws(JSONError) -> JSONValue {
        try scan(range) { scanner throws(JSONError) in try scanner.value() }
    }

    /// Goes again over a value that has been stepped over.
    package func scan<Result>(
        _ range: Range<Int>, _ body: (inout JSONScanner) throws(JSONError) -> Result
    ) throws(JSONError) -> Result {
        guard range.lowerBound >= 0, range.upperBound <= bytes.count else { throw unexpected }
        var scanner = JSONScanner(UnsafeBufferPointer(rebasing: bytes[range]))
        return try body(&scanner)
    }
}

/// Why bytes are not JSON (RFC 8259), and where.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Hashable, Sendable {
        case unexpectedByte = "an unexpected byte"
        case unexpectedEnd = "the end"
        case tooDeep = "too many levels"
        case invalidUTF8 = "bytes that are no UTF-8"
        case trailingBytes = "something after the end"
    }

    package var kind: Kind
    /// The number of bytes before it.
    package var offset: Int

    package init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    package var description: String { "\(kind.rawValue) at byte \(offset)" }
}
