// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What Ollama's clients are told of models. The mesh knows what a model can do and how long its context is; of files it knows
/// nothing, so sizes are 0, and family and size of a model are what its name says.
package enum OllamaModelPages {
    /// The version of Ollama whose API this is, and not kith's own: programs compare it with the first that has what they
    /// need, and would take kith's for an Ollama of long ago. 0.14 is the first that also answers in the dialects of OpenAI's
    /// responses and of Anthropic, as this node does. The added member tells nodes that this is none of Ollama's.
    package static func version(kith: String) -> [UInt8] {
        let body: JSONObject = ["version": .string("0.14.0"), "kith": .string(kith)]
        return body.jsonBytes
    }

    /// `GET /api/tags`: each name once, with the tag that Ollama's programs expect.
    package static func list(_ models: [ModelInfo]) -> [UInt8] {
        var seen: Set<ModelID> = []
        let listed = models.filter { seen.insert($0.id.withOllamaTag).inserted }
        let body: JSONObject = ["models": .array(listed.map { .object(entry($0)) })]
        return body.jsonBytes
    }

    /// `GET /api/ps`: which models an engine holds in memory is its own affair and unknown here.
    package static let running = Array(#"{"models":[]}"#.utf8)

    /// `POST /api/show`.
    package static func card(_ model: ModelInfo) -> [UInt8] {
        let name = OllamaModelName(model.id)
        var info: JSONObject = [
            "general.architecture": .string(name.family), "general.basename": .string(name.base),
        ]
        info["\(name.family).context_length"] = model.contextLength.map { .integer(Int64($0)) }
        let body: JSONObject = [
            "modelfile": "", "parameters": "", "template": "", "details": .object(details(name)),
            "model_info": .object(info), "capabilities": .array(capabilities(model).map { .string($0) }),
            "modified_at": .string(time(model)),
        ]
        return body.jsonBytes
    }

    private static func entry(_ model: ModelInfo) -> JSONObject {
        let name = model.id.withOllamaTag.rawValue
        return [
            "name": .string(name), "model": .string(name), "modified_at": .string(time(model)), "size": 0,
            "digest": .string(digest(name)), "details": .object(details(OllamaModelName(model.id))),
        ]
    }

    private static func details(_ name: OllamaModelName) -> JSONObject {
        [
            "parent_model": "", "format": "", "family": .string(name.family), "families": [.string(name.family)],
            "parameter_size": .string(name.size), "quantization_level": .string(name.quantization),
        ]
    }

    /// In the engine's words. One that says nothing is asked for text, and for calls of tools, as routing does.
    private static func capabilities(_ model: ModelInfo) -> [String] {
        if let known = model.capabilities { return known }
        return (model.chats ? ["completion", "tools"] : []) + (model.embeds ? ["embedding"] : [])
    }

    private static func time(_ model: ModelInfo) -> String {
        // A time far beyond any calendar says no more than none.
        let seconds = (0...253_402_300_799).contains(model.created) ? model.created : 0
        return WallTime(milliseconds: Int64(seconds) * 1_000).rfc3339
    }

    /// 64 hexadecimal digits that stand for a name: clients compare digests, and nobody here has the file. FNV-1a, four times.
    private static func digest(_ name: String) -> String {
        var bytes = ByteWriter(capacity: 32)
        for round in 0..<4 as Range<UInt8> {
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in [round] + Array(name.utf8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            bytes.append(uint64: hash)
        }
        return bytes.bytes.hexadecimal
    }
}

/// What a model's name says of it, such as `llama3.2:3b-instruct-q4_K_M`.
struct OllamaModelName: Hashable, Sendable {
    /// Without owner and tag.
    let base: String
    /// The letters at its beginning, such as `llama`.
    let family: String
    /// Such as `3B`; empty when the name does not say.
    let size: String
    /// Such as `Q4_K_M`; empty when the name does not say.
    let quantization: String

    init(_ model: ModelID) {
        let name = model.rawValue.split(separator: "/").last.map(String.init) ?? ""
        base = String(name.prefix { $0 != ":" })
        let letters = base.lowercased().prefix { $0.isASCII && $0.isLetter }
        family = letters.isEmpty ? "unknown" : String(letters)
        let words = name.lowercased().split { ":-".contains($0) }.map(String.init)
        size = words.first { Self.isSize($0) }?.uppercased() ?? ""
        let quantized = name.split { ":-".contains($0) }.first { Self.isQuantization($0.lowercased()) }
        quantization = quantized.map { $0.uppercased() } ?? ""
    }

    private static func isSize(_ word: String) -> Bool {
        guard let unit = word.last, unit == "b" || unit == "m" else { return false }
        return Double(word.dropLast()).map { $0 > 0 && $0.isFinite } ?? false
    }

    private static func isQuantization(_ word: String) -> Bool {
        if ["f16", "bf16", "fp16", "f32", "fp8", "mxfp4"].contains(word) { return true }
        let rest = word.hasPrefix("iq") ? word.dropFirst(2) : word.hasPrefix("q") ? word.dropFirst(1) : ""
        return rest.first.map { ("1"..."8").contains($0) } ?? false
    }
}

/// The body of a request about one model, such as `POST /api/show`: its `model`, or its `name` in older clients.
package enum OllamaModelRequest {
    /// - Throws: `ChatError` for what is not a JSON object, or names no model.
    package static func read(_ bytes: [UInt8]) throws -> String {
        let fields = try RequestFields(body: bytes)
        let name = try fields.text("model") ?? fields.text("name") ?? ""
        guard !name.isEmpty else { throw ChatError.missing("model") }
        return name
    }
}
