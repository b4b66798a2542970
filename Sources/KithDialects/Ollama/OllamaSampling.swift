// SPDX-License-Identifier: Apache-2.0

import KithModel

extension RequestFields {
    /// The sampling options, and what engines are told of the rest.
    ///
    /// - Parameter extensions: Receives all that the client wrote under `options`, for engines that speak this dialect, and
    ///   what others know under a name of their own.
    func ollamaSampling(_ extensions: inout JSONObject) throws -> SamplingOptions {
        guard let options = try object("options") else { return SamplingOptions() }
        var sampling = SamplingOptions(
            temperature: try options.number("temperature"), topP: try options.number("top_p"),
            // -1 stands for a seed that nobody chooses, as none does.
            seed: try options.integer("seed").flatMap { $0 == -1 ? nil : Int64($0) },
            frequencyPenalty: try options.number("frequency_penalty"),
            presencePenalty: try options.number("presence_penalty"))
        // -1 and -2 stand for no limit, and for as much as the context holds: that is the limit here without any.
        sampling.maxTokens = try options.integer("num_predict").flatMap { $0 > 0 ? $0 : nil }
        sampling.stop = try options.ollamaStops()
        extensions["options"] = value("options")
        extensions["top_k"] = try options.integer("top_k").map { .integer(Int64($0)) }
        extensions["min_p"] = try options.number("min_p").map { .number($0) }
        extensions["repeat_penalty"] = try options.number("repeat_penalty").map { .number($0) }
        return sampling
    }

    /// A list of texts, or one.
    private func ollamaStops() throws -> [String] {
        if case .string(let text)? = value("stop") { return text.isEmpty ? [] : [text] }
        return try (list("stop") ?? []).enumerated().compactMap { place, value -> String? in
            guard case .string(let text) = value else {
                throw ChatError.wrongType("\(name("stop")).\(place)", "a string")
            }
            return text.isEmpty ? nil : text
        }
    }

    /// Whether the client wants to see what the model thinks; `nil` when it does not say.
    ///
    /// - Parameter extensions: Receives the switch for engines of this dialect, and how much to think for others: a middle
    ///   effort for `true`.
    func ollamaThinking(_ extensions: inout JSONObject) throws -> Bool? {
        switch value("think") {
        case nil: return nil
        case .bool(let thinks)?:
            extensions["think"] = .bool(thinks)
            extensions["reasoning_effort"] = thinks ? "medium" : "none"
            return thinks
        case .string(let effort)? where ["low", "medium", "high"].contains(effort):
            extensions["think"] = .string(effort)
            extensions["reasoning_effort"] = .string(effort)
            return true
        default: throw ChatError.wrongType(name("think"), #"true, false, "low", "medium" or "high""#)
        }
    }

    /// `format` in OpenAI's words: `"json"`, or a JSON schema.
    func ollamaResponseFormat() throws -> JSONValue? {
        switch value("format") {
        case nil, "": return nil
        case "json": return ["type": "json_object"]
        case .object(let schema)?:
            return ["type": "json_schema", "json_schema": ["name": "answer", "schema": .object(schema)]]
        default: throw ChatError.wrongType(name("format"), #""json" or a JSON schema"#)
        }
    }

    /// Images in base64, as parts in OpenAI's form.
    func ollamaImages() throws -> [JSONValue] {
        try (list("images") ?? []).enumerated().map { place, value in
            guard case .string(let data) = value, !data.isEmpty else {
                throw ChatError.wrongType("\(name("images")).\(place)", "an image in base64")
            }
            let url = data.hasPrefix("data:") ? data : "data:\(Self.mediaType(ofImage: data));base64,\(data)"
            return ["type": "image_url", "image_url": ["url": .string(url)]]
        }
    }

    /// By the first bytes of the file; engines look at the file themselves.
    private static func mediaType(ofImage base64: String) -> String {
        let beginnings = [("/9j/", "image/jpeg"), ("R0lG", "image/gif"), ("UklG", "image/webp")]
        return beginnings.first { base64.hasPrefix($0.0) }?.1 ?? "image/png"
    }
}

extension MessageContent {
    /// Text, and after it images.
    init(_ text: String, images: [JSONValue]) {
        guard !images.isEmpty else {
            self = .text(text)
            return
        }
        self = .parts((text.isEmpty ? [] : [["type": "text", "text": .string(text)]]) + images)
    }
}
