// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting
import Testing

@Suite struct OllamaKeptModelsTests {
    private func models(_ tags: String, loaded: String? = nil) throws -> [KeptModel] {
        try OllamaKeptModels(
            tags: JSONValue(parsing: tags.utf8), loaded: loaded.map { try JSONValue(parsing: $0.utf8) }
        ).models
    }

    @Test("A model has its size, and what it takes in memory while it is loaded")
    func loaded() throws {
        let model = try #require(
            try models(
                #"{"models":[{"name":"m:1b","size":700,"digest":"d","modified_at":"2026-03-01T12:00:00.5-07:00"}]}"#,
                loaded:
                    #"{"models":[{"name":"m:1b","size":900,"size_vram":800,"expires_at":"2026-06-04T14:38:31.83753-07:00"}]}"#
            ).first)
        #expect(model.residency == .loaded)
        #expect((model.bytes, model.memory, model.acceleratorMemory) == (700, 900, 800))
        #expect(model.changed == WallTime(iso8601: "2026-03-01T19:00:00Z"))
        #expect(model.stays == .until(try #require(WallTime(iso8601: "2026-06-04T21:38:31Z"))))
    }

    @Test("What stays until it is unloaded is in a far year for Ollama")
    func always() throws {
        let loaded = #"{"models":[{"name":"m:1b","expires_at":"2318-03-04T05:06:07.123456789+01:00"}]}"#
        let model = try models(#"{"models":[{"name":"m:1b"}]}"#, loaded: loaded).first
        #expect(model?.stays == .always)
    }

    @Test("Without a word of Ollama's nobody knows whether a model is loaded")
    func unsaid() throws {
        let tags = #"{"models":[{"name":"m:1b"},{"name":"big:cloud"}]}"#
        #expect(try models(tags).map(\.residency) == [.unknown, .elsewhere])
        #expect(try models(tags, loaded: #"{"models":[]}"#).map(\.residency) == [.onDisk, .elsewhere])
    }

    @Test("Fields that are not as they should be are overlooked, and so are entries without a name")
    func odd() throws {
        let tags = """
            {"models":[{"name":""},{"name":7},null,{"size":1},{"name":"m","size":-3,"modified_at":"soon","details":[],"digest":{}},
            {"name":"n","size":1e300,"modified_at":"2026-03-01T12:00:00+99:00"},{"name":"\(String(repeating: "x", count: 300))"}]}
            """
        let found = try models(tags, loaded: #"{"models":[{"name":"m","size":"7"},4,null]}"#)
        #expect(found.map(\.id) == ["m", "n"])
        #expect(found.allSatisfy { $0.bytes == nil && $0.changed == nil && $0.memory == nil })
    }

    @Test("A list is cut where no machine has so many")
    func long() throws {
        let entries = (0..<2_000).map { #"{"name":"m\#($0)"}"# }.joined(separator: ",")
        #expect(try models("{\"models\":[\(entries)]}").count == OllamaKeptModels.limit)
    }

    @Test("What is no list is a wrong answer", arguments: ["{}", "[]", #"{"models":{}}"#, "7"])
    func noList(_ text: String) throws {
        #expect(throws: ChatError.self) { _ = try models(text) }
    }
}

@Suite struct OllamaPullDecoderTests {
    @Test("Signs come out as they go in, wherever the bytes are cut, until the model is there")
    func signs() throws {
        let text = """
            {"status":"pulling manifest"}
            {"status":"pulling aa","digest":"sha256:aa","total":10,"completed":4}

            {"status":"success"}
            """
        let bytes = Array(text.utf8)
        for cut in bytes.indices {
            var decoder = OllamaPullDecoder()
            var signs = try decoder.feed(bytes[..<cut])
            signs += try decoder.feed(bytes[cut...])
            signs += try decoder.end()
            #expect(
                signs == [
                    PullSign(status: "pulling manifest"),
                    PullSign(status: "pulling aa", part: "sha256:aa", total: 10, completed: 4),
                    PullSign(status: "success"),
                ])
        }
    }

    @Test("An end without success is no end")
    func interrupted() throws {
        var decoder = OllamaPullDecoder()
        _ = try decoder.feed(Array("{\"status\":\"pulling manifest\"}\n".utf8))
        #expect { _ = try decoder.end() } throws: { ($0 as? ChatError)?.code == .interrupted }
    }

    @Test("An error is told in Ollama's words, without what would write over a terminal")
    func failure() throws {
        var decoder = OllamaPullDecoder()
        #expect {
            _ = try decoder.feed(Array("{\"error\":\"no \\u001b[2J such\"}\n".utf8))
        } throws: { error in
            let message = (error as? ChatError)?.message ?? ""
            return message.contains("such") && !message.contains("\u{1B}")
        }
    }

    @Test("Bytes that are no lines of it are refused, and never more than a line is kept")
    func hostile() throws {
        for bytes in [Array("7\n".utf8), Array("[]\n".utf8), Array("{\n".utf8), [0xFF, 0x0A]] {
            var decoder = OllamaPullDecoder()
            #expect(throws: ChatError.self) { _ = try decoder.feed(bytes) }
        }
        var decoder = OllamaPullDecoder()
        #expect(throws: ChatError.self) { _ = try decoder.feed([UInt8](repeating: 0x20, count: 1 << 20)) }
    }

    @Test("Numbers of any size and sign are read without a trap")
    func numbers() throws {
        var decoder = OllamaPullDecoder()
        let line = #"{"status":"x","digest":"d","total":-9223372036854775808,"completed":1e400}"#
        let sign = try #require(try decoder.feed(Array((line + "\n").utf8)).first)
        #expect((sign.total ?? 0) >= 0 && sign.completed >= 0)
    }
}
