// SPDX-License-Identifier: Apache-2.0

/// A request body as the client wrote it, and where its members stand.
package struct ClientBody: Hashable, Sendable {
    package enum Route: String, Hashable, Sendable, Codable {
        case openAIChatCompletions = "/v1/chat/completions"
        case openAICompletions = "/v1/completions"
        case openAIEmbeddings = "/v1/embeddings"
    }

    /// A member of the object.
    package struct Member: Hashable, Sendable {
        package var key: String
        /// From the quote before its name to the end of its value.
        package var range: Range<Int>
        /// The value's bytes.
        package var value: Range<Int>
    }

    package let route: Route
    package let bytes: [UInt8]
    /// In the order of the body; if a name occurs twice, the last member counts.
    package let members: [Member]

    /// - Throws: ``JSONError`` when the bytes are not one JSON object.
    package init(route: Route, bytes: [UInt8]) throws {
        try self.init(route: route, bytes: bytes) { _, _ in }
    }

    /// Reads the object in one pass.
    ///
    /// - Parameter read: Called with each member's name and the scanner before its value, which it may read; values that
    ///   it leaves are skipped.
    /// - Throws: What `read` throws, and ``JSONError`` when the bytes are not one JSON object.
    package init(route: Route, bytes: [UInt8], read: (String, inout JSONScanner) throws -> Void) throws {
        self.route = route
        self.bytes = bytes
        members = try bytes.withUnsafeBufferPointer { buffer in
            var scanner = JSONScanner(buffer)
            var members: [Member] = []
            try scanner.enterObject()
            while let token = try scanner.nextKey() {
                let key = scanner.text(token)
                _ = scanner.kind()  // steps over white space
                let start = scanner.index
                try read(key, &scanner)
                if scanner.index == start { try scanner.skipValue() }
                members.append(
                    Member(
                        key: key, range: (token.range.lowerBound - 1)..<scanner.index, value: start..<scanner.index))
            }
            try scanner.end()
            return members
        }
    }

    // MARK: Reading

    package func member(_ key: String) -> Member? { members.last { $0.key == key } }

    /// Whether a name occurs twice.
    package var hasTwins: Bool {
        // A client's body has a dozen members at most; one with thousands must not cost the square of that.
        guard members.count <= 32 else { return Set(members.map(\.key)).count < members.count }
        return members.indices.contains { place in members[..<place].contains { $0.key == members[place].key } }
    }

    /// The value of a member as the client wrote it; `nil` when there is none.
    package func value(_ key: String) -> JSONValue? {
        guard let member = member(key) else { return nil }
        return try? JSONValue(parsing: bytes[member.value])
    }

    /// The places of the elements of a member that is an array; `nil` for anything else.
    package func elements(_ key: String) -> [Range<Int>]? {
        guard let member = member(key) else { return nil }
        return try? JSONScanner.scan(Array(bytes[member.value])) { scanner throws(JSONError) in
            var elements: [Range<Int>] = []
            try scanner.enterArray()
            while try scanner.nextElement() {
                let range = try scanner.skipValue()
                elements.append(
                    (member.value.lowerBound + range.lowerBound)..<(member.value.lowerBound + range.upperBound))
            }
            return elements
        }
    }

    // MARK: Patching

    /// The body with these members changed and every other byte as the client wrote it.
    ///
    /// An existing member keeps its place, a new one goes to the end. If a name occurs twice, only the last member is
    /// kept, so that all readers understand the body in the same way.
    package func patched(setting values: [(String, JSONValue)] = [], removing names: Set<String> = []) -> [UInt8] {
        patched(settingBytes: values.map { ($0.0, $0.1.jsonBytes) }, removing: names)
    }

    /// As ``patched(setting:removing:)``, with values that are JSON already.
    package func patched(settingBytes values: [(String, [UInt8])], removing names: Set<String> = []) -> [UInt8] {
        var added = values.filter { value in !members.contains { $0.key == value.0 } }
        added.removeAll { names.contains($0.0) }
        let last = Dictionary(members.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { $1 })
        guard let first = members.first, let final = members.last else {
            return Array("{".utf8) + Self.written(added) + Array("}".utf8)
        }
        var patched: [UInt8] = []
        patched.reserveCapacity(bytes.count + values.reduce(32) { $0 + $1.0.utf8.count + $1.1.count })
        patched += bytes[..<first.range.lowerBound]
        var isFirst = true
        for (index, member) in members.enumerated() where last[member.key] == index && !names.contains(member.key) {
            if !isFirst { patched += bytes[members[index - 1].range.upperBound..<member.range.lowerBound] }
            isFirst = false
            if let value = values.last(where: { $0.0 == member.key }) {
                patched += bytes[member.range.lowerBound..<member.value.lowerBound]
                patched += value.1
            } else {
                patched += bytes[member.range]
            }
        }
        if !added.isEmpty, !isFirst { patched.append(UInt8(ascii: ",")) }
        return patched + Self.written(added) + bytes[final.range.upperBound...]
    }

    private static func written(_ members: [(String, [UInt8])]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (index, (key, value)) in members.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONText.append(key, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            bytes += value
        }
        return bytes
    }
}

extension ClientBody: Codable {
    private enum CodingKeys: String, CodingKey { case route, text }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let route = try container.decode(Route.self, forKey: .route)
        let text = try container.decode(String.self, forKey: .text)
        do {
            try self.init(route: route, bytes: Array(text.utf8))
        } catch {
            throw DecodingError.dataCorruptedError(
                forKey: .text, in: container, debugDescription: "not JSON: \(error)")
        }
    }

    /// As text: a body that was read is valid UTF-8.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(route, forKey: .route)
        try container.encode(String(decoding: bytes, as: UTF8.self), forKey: .text)
    }
}
