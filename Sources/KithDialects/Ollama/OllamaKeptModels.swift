// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What Ollama keeps (`GET /api/tags`) and has loaded (`GET /api/ps`), as far as it is about their place. A field that is not as it
/// should be is overlooked.
package struct OllamaKeptModels: Sendable {
    /// A list that is longer is cut: no machine has so many.
    package static let limit = 512
    /// Later than any timer is meant: what stays until it is unloaded "expires" in the year 2318.
    private static let always = WallTime(milliseconds: 4_102_444_800_000)

    package let models: [KeptModel]

    /// - Parameters:
    ///   - tags: The answer to `GET /api/tags`.
    ///   - loaded: The answer to `GET /api/ps`; `nil` where there is none, as in older versions.
    /// - Throws: `ChatError` with `invalidAnswer` for what is no such answer.
    package init(tags: JSONValue, loaded: JSONValue?) throws(ChatError) {
        guard let listed = tags["models"]?.arrayValue else {
            throw ChatError(.invalidAnswer, "Ollama did not answer in its dialect")
        }
        let inMemory = (loaded?["models"]?.arrayValue ?? []).prefix(Self.limit)
        models = listed.prefix(Self.limit).compactMap { entry in
            guard let name = entry["name"]?.stringValue, ModelName.isListable(name) else { return nil }
            var model = KeptModel(id: ModelID(name), residency: loaded == nil ? .unknown : .onDisk)
            model.bytes = Self.size(entry["size"])
            model.digest = Self.text(entry["digest"])
            model.changed = entry["modified_at"]?.stringValue.flatMap(Self.time)
            model.family = Self.text(entry["details"]?["family"])
            model.parameters = Self.text(entry["details"]?["parameter_size"])
            model.quantization = Self.text(entry["details"]?["quantization_level"])
            if Self.runsElsewhere(entry, name: name) { model.residency = .elsewhere }
            if let found = inMemory.first(where: { $0["name"]?.stringValue == name }) {
                Self.add(found, to: &model)
            }
            return model
        }
    }

    private static func add(_ loaded: JSONValue, to model: inout KeptModel) {
        model.residency = .loaded
        model.memory = size(loaded["size"])
        model.acceleratorMemory = size(loaded["size_vram"])
        model.stays = loaded["expires_at"]?.stringValue.flatMap(time).map { $0 >= always ? .always : .until($0) }
    }

    private static func runsElsewhere(_ entry: JSONValue, name: String) -> Bool {
        let tag = name.split(separator: ":").last ?? ""
        return entry["remote_host"]?.stringValue?.isEmpty == false
            || entry["remote_model"]?.stringValue?.isEmpty == false || tag == "cloud" || tag.hasSuffix("-cloud")
    }

    private static func size(_ value: JSONValue?) -> Int? { value?.intValue.flatMap { $0 > 0 ? $0 : nil } }

    /// Short words of an engine.
    private static func text(_ value: JSONValue?) -> String? {
        value?.stringValue.flatMap { $0.isEmpty ? nil : HarmlessText($0, limit: 128).description }
    }

    /// Go writes local time with an offset: `2026-06-04T14:38:31.83753-07:00`.
    static func time(_ text: String) -> WallTime? {
        if let time = WallTime(iso8601: text) { return time }
        let bytes = Array(text.utf8)
        guard bytes.count > 6, bytes.count <= 40 else { return nil }
        let offset = bytes.suffix(6)
        let parts = String(decoding: offset.dropFirst(), as: UTF8.self).split(separator: ":")
        guard let sign = offset.first, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(sign), parts.count == 2,
            let hours = Int64(parts[0]), let minutes = Int64(parts[1]), (0...23).contains(hours),
            (0...59).contains(minutes),
            let local = WallTime(iso8601: String(decoding: bytes.dropLast(6), as: UTF8.self))
        else { return nil }
        let ahead = (hours * 60 + minutes) * 60_000
        return WallTime(milliseconds: local.milliseconds + (sign == UInt8(ascii: "+") ? -ahead : ahead))
    }
}

/// Reads the lines of `POST /api/pull`: a value, bytes in, signs out.
package struct OllamaPullDecoder: Sendable {
    /// Bytes of a line.
    private static let lineLimit = 64 << 10

    private var lines = LineDecoder(limit: lineLimit)
    private var isDone = false

    package init() {}

    /// - Throws: `ChatError` with `invalidAnswer` for what is not of this dialect, and `engineError` for an error that Ollama reports.
    package mutating func feed(_ bytes: some Collection<UInt8>) throws -> [PullSign] {
        try lines.feed(bytes).compactMap { try read($0) }
    }

    /// Call when the body has ended.
    ///
    /// - Throws: `ChatError` with `interrupted` when the model is not there.
    package mutating func end() throws -> [PullSign] {
        let last = try lines.finish().flatMap { try read($0) }
        guard isDone else { throw ChatError(.interrupted, "Ollama ended the pull before the model was there") }
        return last.map { [$0] } ?? []
    }

    private mutating func read(_ line: [UInt8]) throws -> PullSign? {
        guard !line.allSatisfy({ $0 == UInt8(ascii: " ") }) else { return nil }
        guard let value = try? JSONValue(parsing: line), value.objectValue != nil else {
            throw ChatError(.invalidAnswer, "Ollama's answer holds what is not a line of its dialect")
        }
        if let words = value["error"]?.stringValue {
            throw ChatError(.engineError, "Ollama reports: \(HarmlessText(words, limit: 300))")
        }
        let status = HarmlessText(value["status"]?.stringValue ?? "", limit: 120).description
        if status == "success" { isDone = true }
        return PullSign(
            status: status, part: value["digest"]?.stringValue.map { $0.cut(toBytes: 128) },
            total: value["total"]?.intValue, completed: value["completed"]?.intValue ?? 0)
    }
}
