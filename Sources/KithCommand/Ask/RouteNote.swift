// SPDX-License-Identifier: Apache-2.0

/// What the header `x-kith-route` says: `node=desk; model="smollm2"; reason=shortest-wait; skipped="laptop:no-engine"`.
package struct RouteNote: Hashable, Sendable, Codable {
    package var node: String?
    package var model: String?
    package var reason: String?
    package var skipped: String?

    package init(node: String? = nil, model: String? = nil, reason: String? = nil, skipped: String? = nil) {
        self.node = node
        self.model = model
        self.reason = reason
        self.skipped = skipped
    }

    /// Reads what it can; unknown parameters are left out.
    package init(header: String) {
        for (name, value) in Self.parameters(header) {
            switch name {
            case "node": node = value
            case "model": model = value
            case "reason": reason = value
            case "skipped": skipped = value
            default: continue
            }
        }
    }

    /// `— answered by desk (smollm2): shortest-wait`
    package var sentence: String {
        var text = "— answered by \(node ?? "an unnamed node")"
        if let model { text += " (\(model))" }
        if let reason { text += ": \(reason)" }
        if let skipped { text += "; skipped \(skipped)" }
        return text.printable
    }

    private static func parameters(_ header: String) -> [(name: String, value: String)] {
        var isQuoted = false
        let parts = header.split { character in
            if character == "\"" { isQuoted.toggle() }
            return character == ";" && !isQuoted
        }
        return parts.compactMap { part in
            guard let equals = part.firstIndex(of: "=") else { return nil }
            let name = part[..<equals].filter { $0 != " " }.lowercased()
            var value = part[part.index(after: equals)...]
            while value.last == " " { value.removeLast() }
            if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            return (name, String(value))
        }
    }
}
