// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Why an answer came from where it came: what `x-kith-route` and the log say.
package struct RouteReport: Sendable {
    /// Bytes of ``headerValue`` at most.
    package static let headerLimit = 1_024

    package var candidate: Candidate?
    package var reason: RouteReason?
    package var skipped: [RouteDecision.Skip]
    /// Who went on with the answer when the one before broke off, in order.
    package var continuedOn: [NodeName] = []

    package init(candidate: Candidate? = nil, reason: RouteReason? = nil, skipped: [RouteDecision.Skip] = []) {
        self.candidate = candidate
        self.reason = reason
        self.skipped = skipped
    }

    /// `node=desk; model="smollm2"; reason=shortest-wait; skipped="laptop:no-engine, old:down(refused)"`, as parameters
    /// in the manner of RFC 9651; ASCII only and at most 1,024 bytes.
    package var headerValue: String {
        var text = ""
        func add(_ name: String, _ value: String) {
            if !text.isEmpty { text += "; " }
            text += name
            text += "="
            text += value
        }
        if let candidate {
            add("node", candidate.name.rawValue)
            add("model", Self.quoted(candidate.model.rawValue))
        }
        if let reason { add("reason", reason.description) }
        if !skipped.isEmpty {
            add("skipped", Self.quoted(skipped.map { "\($0.name):\($0.reason)" }.joined(separator: ", ")))
        }
        if !continuedOn.isEmpty {
            add("continued-on", Self.quoted(continuedOn.map(\.rawValue).joined(separator: ", ")))
        }
        return text
    }

    private static func quoted(_ text: String) -> String {
        func isSafe(_ byte: UInt8) -> Bool {
            0x20..<0x7F ~= byte && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
        }
        if text.utf8.count <= 800, text.utf8.allSatisfy(isSafe) { return "\"\(text)\"" }
        let safe = text.unicodeScalars.prefix(800).map { scalar in
            scalar.isASCII && isSafe(UInt8(truncatingIfNeeded: scalar.value)) ? Character(scalar) : "?"
        }
        return "\"" + String(safe) + "\""
    }
}
