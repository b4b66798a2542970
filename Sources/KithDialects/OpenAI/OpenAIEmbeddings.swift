// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The body of `POST /v1/embeddings`.
package struct OpenAIEmbeddingRequest: Sendable {
    /// How the client wants its vectors.
    package enum Encoding: String, Hashable, Sendable { case float, base64 }

    package static let inputLimit = 2048

    package var request: EmbeddingRequest
    package var encoding: Encoding

    /// Reads the body in one pass; the request keeps it. Inputs may be texts or tokens.
    ///
    /// - Throws: `ChatError`, as ``OpenAIChatRequest/read(_:)``.
    package static func read(_ bytes: [UInt8]) throws(ChatError) -> OpenAIEmbeddingRequest {
        var (model, encoding, dimensions) = (nil as String?, nil as Encoding?, nil as Int?)
        var input: (texts: [String], count: Int)?
        let body = try ClientBody(requestTo: .openAIEmbeddings, bytes) { key, scanner in
            switch key {
            case "model": model = try scanner.text(of: key)
            case "dimensions": dimensions = try scanner.integer(of: key)
            case "input": input = try Self.input(&scanner)
            case "encoding_format":
                guard let word = try scanner.text(of: key) else { return }
                encoding = Encoding(rawValue: word)
                if encoding == nil { throw ChatError.unusable(key) }
            default: break
            }
        }
        guard let input else { throw ChatError.missing("input") }
        guard 1...inputLimit ~= input.count else {
            throw ChatError(.invalidRequest, "'input' must hold 1 to \(inputLimit) texts", field: "input")
        }
        return OpenAIEmbeddingRequest(
            request: EmbeddingRequest(
                model: try OpenAIModelName.id(model), inputs: input.texts, inputCount: input.count,
                dimensions: dimensions, body: body),
            encoding: encoding ?? .float)
    }

    /// - Returns: The texts, and how many vectors are asked for; `nil` for `null`.
    private static func input(_ scanner: inout JSONScanner) throws -> (texts: [String], count: Int)? {
        if scanner.kind() == .string { return ([try scanner.text()], 1) }
        guard try scanner.enterArray(of: "input") else { return nil }
        var texts: [String] = []
        var (tokens, lists, count) = (0, 0, 0)
        while try scanner.nextElement() {
            switch scanner.kind() {
            case .string: texts.append(try scanner.text())
            case .number:
                _ = try scanner.integer(of: "input.\(count)")
                tokens += 1
            case .array:
                try scanner.skipValue()
                lists += 1
            case nil: try scanner.skipValue()  // says what is wrong
            default: throw ChatError.wrongType("input.\(count)", "a string or tokens")
            }
            count += 1
        }
        guard [texts.count, tokens, lists].contains(count) else {
            throw ChatError(.invalidRequest, "'input' must hold either texts or tokens", field: "input")
        }
        return (texts, tokens > 0 ? 1 : count)
    }
}

/// The answer to `POST /v1/embeddings`. Vectors are large, so only they are built.
package enum OpenAIEmbeddings {
    package typealias Encoding = OpenAIEmbeddingRequest.Encoding

    /// The answer that gives these vectors.
    package static func body(_ answer: EmbeddingAnswer, encoding: Encoding) -> [UInt8] {
        var bytes = Array(#"{"object":"list","data":["#.utf8)
        for (index, vector) in answer.vectors.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += #"{"object":"embedding","index":\#(index),"embedding":"#.utf8
            append(vector, as: encoding, to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes += #"],"model":"#.utf8
        JSONText.append(answer.model.rawValue, to: &bytes)
        bytes += #","usage":{"prompt_tokens":\#(answer.promptTokens),"total_tokens":\#(answer.promptTokens)}}"#.utf8
        return bytes
    }

    /// The vectors in an engine's answer, in the order of the inputs, whichever encoding they have, and the tokens read.
    ///
    /// - Throws: `ChatError` with `invalidAnswer` for what is not such an answer, and `engineError` for an error.
    package static func vectors(in body: [UInt8]) throws(ChatError) -> (vectors: [[Float]], promptTokens: Int) {
        var items: [(index: Int, vector: [Float])] = []
        var usage: JSONValue?
        try scan(body) { key, scanner throws(JSONError) in
            if key == "usage" { usage = try scanner.value() }
        } item: { index, value, scanner throws(JSONError) in
            items.append((index, try vector(at: value, scanner)))
        }
        let vectors = items.sorted { $0.index < $1.index }.map(\.vector)
        return (vectors, TokenUsage.count(usage?["prompt_tokens"] ?? usage?["total_tokens"]))
    }

    /// An engine's answer with its vectors in this encoding, and all else as the engine wrote it.
    ///
    /// - Throws: As ``vectors(in:)``.
    package static func converted(_ body: [UInt8], to encoding: Encoding) throws(ChatError) -> [UInt8] {
        var converted: [UInt8] = []
        var done = 0
        try scan(body) { _, _ in
        } item: { _, value, scanner throws(JSONError) in
            let isText = body[value.lowerBound] == UInt8(ascii: "\"")
            guard isText == (encoding == .float) else { return }
            converted += body[done..<value.lowerBound]
            append(try vector(at: value, scanner), as: encoding, to: &converted)
            done = value.upperBound
        }
        return done == 0 ? body : converted + body[done...]
    }

    // MARK: Parts

    /// Goes over an answer: `member` may read a member beside the data, `item` is given the place of each vector.
    private static func scan(
        _ body: [UInt8], member: (String, inout JSONScanner) throws(JSONError) -> Void,
        item: (Int, Range<Int>, JSONScanner) throws(JSONError) -> Void
    ) throws(ChatError) {
        var hasData = false
        do {
            try JSONScanner.scan(body) { scanner throws(JSONError) in
                try scanner.enterObject()
                while let token = try scanner.nextKey() {
                    if scanner.matches(token, "data"), scanner.kind() == .array {
                        hasData = true
                        try items(&scanner, item)
                        continue
                    }
                    _ = scanner.kind()
                    let start = scanner.index
                    try member(scanner.text(token), &scanner)
                    if scanner.index == start { try scanner.skipValue() }
                }
                try scanner.end()
            }
        } catch {
            throw ChatError(.invalidAnswer, "the engine's answer holds no embeddings: \(error)")
        }
        if hasData { return }
        if let complaint = (try? JSONValue(parsing: body)).flatMap({ EngineComplaint($0) }) {
            throw complaint.failure()
        }
        throw ChatError(.invalidAnswer, "the engine's answer holds no embeddings")
    }

    private static func items(
        _ scanner: inout JSONScanner, _ item: (Int, Range<Int>, JSONScanner) throws(JSONError) -> Void
    ) throws(JSONError) {
        var place = 0
        try scanner.enterArray()
        while try scanner.nextElement() {
            var (index, value) = (place, nil as Range<Int>?)
            try scanner.enterObject()
            while let key = try scanner.nextKey() {
                if scanner.matches(key, "index"), scanner.kind() == .number {
                    index = scanner.integer(try scanner.number()).flatMap { Int(exactly: $0) } ?? place
                } else if scanner.matches(key, "embedding") {
                    value = try scanner.skipValue()
                } else {
                    try scanner.skipValue()
                }
            }
            guard let value else { throw JSONError(.unexpectedByte, at: scanner.index) }
            try item(index, value, scanner)
            place += 1
        }
    }

    private static func vector(at range: Range<Int>, _ scanner: JSONScanner) throws(JSONError) -> [Float] {
        try scanner.scan(range) { scanner throws(JSONError) in
            if scanner.kind() == .string {
                let token = try scanner.string()
                guard let numbers = Base64Floats.decode(scanner.text(token).utf8) else {
                    throw JSONError(.unexpectedByte, at: range.lowerBound)
                }
                return numbers
            }
            var numbers: [Float] = []
            try scanner.enterArray()
            while try scanner.nextElement() { numbers.append(Float(scanner.double(try scanner.number()))) }
            return numbers
        }
    }

    private static func append(_ vector: [Float], as encoding: Encoding, to bytes: inout [UInt8]) {
        switch encoding {
        case .base64:
            bytes.append(UInt8(ascii: "\""))
            bytes += Base64Floats.encode(vector).utf8
            bytes.append(UInt8(ascii: "\""))
        case .float:
            bytes.append(UInt8(ascii: "["))
            for (index, number) in vector.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes += (number.isFinite ? number.description : "null").utf8
            }
            bytes.append(UInt8(ascii: "]"))
        }
    }
}

/// Numbers as little-endian IEEE 754 in single precision, in base64 (RFC 4648, section 4): the form in which OpenAI's
/// clients ask for vectors.
package enum Base64Floats {
    package static func encode(_ numbers: [Float]) -> String {
        let bytes = numbers.flatMap { number in
            let bits = number.bitPattern
            return [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: bits >> $0) }
        }
        return String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { text in
            var count = 0
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let size = min(3, bytes.count - start)
                var group: UInt32 = 0
                for offset in 0..<3 { group = group << 8 | (offset < size ? UInt32(bytes[start + offset]) : 0) }
                for place in 0..<4 {
                    let index = Int(group >> UInt32(18 - 6 * place)) & 63
                    text[count] = place <= size ? alphabet[index] : UInt8(ascii: "=")
                    count += 1
                }
            }
            return count
        }
    }

    /// - Returns: `nil` for what is not base64, or not a whole number of groups of four bytes.
    package static func decode(_ text: some Sequence<UInt8>) -> [Float]? {
        var numbers: [Float] = []
        var (group, bits, word, wordBits) = (0 as UInt32, 0, 0 as UInt32, 0)
        for byte in text where byte != UInt8(ascii: "=") {
            let value = values[Int(byte)]
            guard value < 64 else { return nil }
            group = group << 6 | UInt32(value)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            word |= (group >> UInt32(bits) & 0xFF) << UInt32(wordBits)
            wordBits += 8
            guard wordBits == 32 else { continue }
            numbers.append(Float(bitPattern: word))
            (word, wordBits) = (0, 0)
        }
        return wordBits == 0 ? numbers : nil
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// 255 for what is not in the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, letter) in alphabet.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()
}
