// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// Reads one JSON text (RFC 8259) of at most ``JSONScanner/depthLimit`` levels.
    ///
    /// Members keep their order; of a name that comes twice the last value counts. Half a surrogate pair becomes U+FFFD.
    ///
    /// - Throws: When it is none, when its strings are not UTF-8, and when something follows it.
    package init(parsing bytes: some Collection<UInt8>) throws(JSONProblem) {
        self = try JSONScanner.scan((bytes as? [UInt8]) ?? Array(bytes)) { scanner throws(JSONProblem) in
            let value = try scanner.value()
            try scanner.end()
            return value
        }
    }
}

extension JSONScanner {
    /// Reads the value that is next.
    package mutating func value() throws(JSONProblem) -> JSONValue {
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
    package mutating func object() throws(JSONProblem) -> JSONObject {
        var members = JSONObject()
        try enterObject()
        while let key = try nextKey() { members[text(key)] = try value() }
        return members
    }

    /// Reads a value that has been stepped over.
    package func value(at range: Range<Int>) throws(JSONProblem) -> JSONValue {
        try scan(range) { scanner throws(JSONProblem) in try scanner.value() }
    }

    /// Goes over a value once more that has been stepped over.
    package func scan<Result>(
        _ range: Range<Int>, _ body: (inout JSONScanner) throws(JSONProblem) -> Result
    ) throws(JSONProblem) -> Result {
        guard range.lowerBound >= 0, range.upperBound <= bytes.count else { throw unexpected }
        var scanner = JSONScanner(UnsafeBufferPointer(rebasing: bytes[range]))
        return try body(&scanner)
    }
}
