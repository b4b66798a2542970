// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The answer to `POST /v1/embeddings`. Vectors are large, so nothing is built of it but them.
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
    /// - Throws: ``ChatFailure`` with `invalidAnswer` for what is no such answer, and `engineError` for an error.
    package static func vectors(in body: [UInt8]) throws(ChatFailure) -> (vectors: [[Float]], promptTokens: Int) {
        var items: [(index: Int, vector: [Float])] = []
        var usage: JSONValue?
        try scan(body) { key, scanner throws(JSONProblem) in
            if key == "usage" { usage = try scanner.value() }
        } item: { index, value, scanner throws(JSONProblem) in
            items.append((index, try vector(at: value, scanner)))
        }
        let vectors = items.sorted { $0.index < $1.index }.map(\.vector)
        return (vectors, TokenUsage.count(usage?["prompt_tokens"] ?? usage?["total_tokens"]))
    }

    /// An engine's answer with its vectors in this encoding, and all else as the engine wrote it.
    ///
    /// - Throws: As ``vectors(in:)``.
    package static func converted(_ body: [UInt8], to encoding: Encoding) throws(ChatFailure) -> [UInt8] {
        var converted: [UInt8] = []
        var done = 0
        try scan(body) { _, _ in
        } item: { _, value, scanner throws(JSONProblem) in
            let isText = body[value.lowerBound] == UInt8(ascii: "\"")
            guard isText == (encoding == .float) else { return }
            converted += body[done..<value.lowerBound]
            append(try vector(at: value, scanner), as: encoding, to: &converted)
            done = value.upperBound
        }
        return done == 0 ? body : converted + body[done...]
    }

    // MARK: Parts

    /// Goes over an answer: `member` may read a member beside the data, `item` is told where each vector stands.
    private static func scan(
        _ body: [UInt8], member: (String, inout JSONScanner) throws(JSONProblem) -> Void,
        item: (Int, Range<Int>, JSONScanner) throws(JSONProblem) -> Void
    ) throws(ChatFailure) {
        var hasData = false
        do {
            try JSONScanner.scan(body) { scanner throws(JSONProblem) in
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
            throw ChatFailure(.invalidAnswer, "the engine's answer holds no embeddings: \(error)")
        }
        if hasData { return }
        if let complaint = (try? JSONValue(parsing: body)).flatMap({ EngineComplaint($0) }) {
            throw complaint.failure()
        }
        throw ChatFailure(.invalidAnswer, "the engine's answer holds no embeddings")
    }

    private static func items(
        _ scanner: inout JSONScanner, _ item: (Int, Range<Int>, JSONScanner) throws(JSONProblem) -> Void
    ) throws(JSONProblem) {
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
            guard let value else { throw JSONProblem(.unexpectedByte, at: scanner.index) }
            try item(index, value, scanner)
            place += 1
        }
    }

    private static func vector(at range: Range<Int>, _ scanner: JSONScanner) throws(JSONProblem) -> [Float] {
        try scanner.scan(range) { scanner throws(JSONProblem) in
            if scanner.kind() == .string {
                let token = try scanner.string()
                guard let numbers = Base64Floats.decode(scanner.text(token).utf8) else {
                    throw JSONProblem(.unexpectedByte, at: range.lowerBound)
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
