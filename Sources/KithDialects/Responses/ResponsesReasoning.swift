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

    /// As `encrypted_content`. Not secret: the client sees the summary, which is the same text.
    static func sealed(_ thoughts: String) -> String { mark + Data(thoughts.utf8).base64EncodedString() }

    /// What the model thought, of an item that came back; empty when nobody here can tell.
    static func thoughts(_ item: RequestFields) -> String {
        if let sealed = item.value("encrypted_content")?.stringValue, sealed.hasPrefix(mark),
            let data = Data(base64Encoded: String(sealed.dropFirst(mark.count)))
        {
            return String(decoding: data, as: UTF8.self)
        }
        let content = texts(item.value("content"))
        return (content.isEmpty ? texts(item.value("summary")) : content).joined(separator: "\n\n")
    }

    private static func texts(_ parts: JSONValue?) -> [String] {
        (parts?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }.filter { !$0.isEmpty }
    }
}
