// SPDX-License-Identifier: Apache-2.0

import KithModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Thoughts in the Responses dialect, which clients send back with the next turn.
enum ResponsesReasoning {
    /// Tells our own from what another service has encrypted.
    private static let mark = "kith."
    /// Of Anthropic's blocks, with their signatures.
    private static let signedMark = "kith.signed."

    /// As `encrypted_content`. Not secret: the client sees the summary, which is the same text.
    ///
    /// - Parameter signed: Anthropic's blocks with the same thoughts, which their provider wants to see again unchanged.
    static func sealed(_ thoughts: String, signed: [JSONValue] = []) -> String {
        guard !signed.isEmpty else { return mark + Data(thoughts.utf8).base64EncodedString() }
        return signedMark + Data(JSONValue.array(signed).jsonBytes).base64EncodedString()
    }

    /// What the model thought, of an item that came back; empty when nobody here can tell.
    static func thoughts(_ item: RequestFields) -> String {
        if let data = content(item, sealedWith: mark) { return String(decoding: data, as: UTF8.self) }
        let open = [item.value("content"), item.value("summary")].lazy.map(texts).first { !$0.isEmpty }
        return open?.joined(separator: "\n\n") ?? signed(item).compactMap { $0["thinking"]?.stringValue }.joined()
    }

    /// Anthropic's blocks of an item that came back, for an engine of its dialect.
    static func signed(_ item: RequestFields) -> [JSONValue] {
        guard let data = content(item, sealedWith: signedMark),
            let blocks = (try? JSONValue(parsing: [UInt8](data)))?.arrayValue
        else { return [] }
        return blocks.filter { ["thinking", "redacted_thinking"].contains($0["type"]?.stringValue) }
    }

    private static func content(_ item: RequestFields, sealedWith mark: String) -> Data? {
        guard let sealed = item.value("encrypted_content")?.stringValue, sealed.hasPrefix(mark) else { return nil }
        return Data(base64Encoded: String(sealed.dropFirst(mark.count)))
    }

    private static func texts(_ parts: JSONValue?) -> [String] {
        (parts?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }.filter { !$0.isEmpty }
    }
}
