// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Blocks of content in Anthropic's dialect as parts in OpenAI's form, each a text or a picture.
enum AnthropicBlocks {
    /// - Throws: `ChatError` with `unsupported` for what can be told in neither.
    static func parts(_ block: RequestFields, _ tools: inout AnthropicToolChanges) throws -> [JSONValue] {
        switch try block.requiredText("type") {
        case "text": return [text(try block.requiredText("text"))]
        case "image": return [try picture(block)]
        case "document": return try document(block)
        case "search_result":
            try refuseCitations(block)
            let lines = try [block.text("title"), block.text("source")].compactMap { $0 }
            return [text(lines.map { $0 + "\n" }.joined())] + (try texts(block, "content"))
        case "tool_reference": return [text(try tools.add(block))]
        case "tool_addition", "tool_removal": return [text(try tools.change(block))]
        case let type where isOfServers(type): return []
        default: throw unknown(block)
        }
    }

    /// Whether a block tells what a server did in an earlier turn; what the model made of it is in the text that follows.
    static func isOfServers(_ type: String) -> Bool {
        ["server_tool_use", "mcp_tool_use", "mcp_tool_listing", "fallback"].contains(type)
            || (type.hasSuffix("_tool_result") && type != "tool_result")
    }

    static func unknown(_ block: RequestFields) -> ChatError {
        let type = (try? block.text("type")) ?? ""
        return ChatError(
            .unsupported, "no engine here can be told a block of the type '\(type.prefix(64))'",
            field: block.name("type"))
    }

    static func text(_ words: String) -> JSONValue { ["type": "text", "text": .string(words)] }

    /// One text, unless there are pictures in it; text that stands together is one part.
    static func content(_ parts: [JSONValue]) -> MessageContent {
        var joined: [JSONValue] = []
        var text = ""
        for part in parts {
            if part["type"] == "text" {
                text += part["text"]?.stringValue ?? ""
                continue
            }
            if !text.isEmpty { joined.append(Self.text(text)) }
            text = ""
            joined.append(part)
        }
        if joined.isEmpty { return .text(text) }
        if !text.isEmpty { joined.append(Self.text(text)) }
        return .parts(joined)
    }

    // MARK: Kinds of blocks

    private static func picture(_ block: RequestFields) throws -> JSONValue {
        guard let source = try block.object("source") else { throw ChatError.missing(block.name("source")) }
        let url: String
        switch try source.requiredText("type") {
        case "base64":
            let type = try source.requiredText("media_type")
            url = try "data:\(type);base64," + source.requiredText("data")
        case "url": url = try source.requiredText("url")
        default:
            throw ChatError(
                .unsupported, "pictures are taken as base64 or by their url", field: source.name("type"))
        }
        return ["type": "image_url", "image_url": ["url": .string(url)]]
    }

    private static func document(_ block: RequestFields) throws -> [JSONValue] {
        guard let source = try block.object("source") else { throw ChatError.missing(block.name("source")) }
        try refuseCitations(block)
        let lines = try [block.text("title"), block.text("context")].compactMap { $0 }
        let head = lines.isEmpty ? [] : [text(lines.map { $0 + "\n" }.joined())]
        switch try source.requiredText("type") {
        case "text": return head + [text(try source.requiredText("data") + "\n")]
        case "content": return head + (try texts(source, "content"))
        default:
            throw ChatError(
                .unsupported, "documents are taken as text; a PDF must be turned into text or pictures first",
                field: source.name("type"))
        }
    }

    /// Texts, each with the end of a line, and pictures.
    private static func texts(_ fields: RequestFields, _ key: String) throws -> [JSONValue] {
        try (fields.blocks(key) ?? []).map { block in
            switch try block.requiredText("type") {
            case "text": text(try block.requiredText("text") + "\n")
            case "image": try picture(block)
            default: throw unknown(block)
            }
        }
    }

    private static func refuseCitations(_ block: RequestFields) throws {
        guard let citations = try block.object("citations"), try citations.bool("enabled") == true else { return }
        throw ChatError(.unsupported, "no engine here can cite documents", field: citations.name("enabled"))
    }
}
