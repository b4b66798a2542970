// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The whole of an answer that a test engine will give.
package struct TestScript: Hashable, Sendable {
    package private(set) var tokens: [String]
    package private(set) var finish: FinishReason

    /// Cuts an answer at the token limit and at the first stop string, which is left out, as OpenAI's API says.
    ///
    /// - Parameters:
    ///   - tokens: The answer, at least one token more than `limit` when it would go on.
    ///   - limit: At most this many tokens.
    ///   - stop: Texts that end the answer; empty ones are ignored.
    package init(tokens: some Sequence<String>, limit: Int, stop: [String]) {
        let offered = Array(tokens.prefix(limit + 1))
        self.tokens = Array(offered.prefix(limit))
        finish = offered.count > limit ? .length : .stop
        let text = self.tokens.joined()
        if let end = Self.firstMatch(of: stop, in: text) {
            finish = .stop
            self.tokens = Self.cut(self.tokens, toBytes: end)
        }
    }

    /// Compares bytes, since a stop string must not match text that is merely canonically equivalent.
    private static func firstMatch(of stops: [String], in text: String) -> Int? {
        let bytes = Array(text.utf8)
        return
            stops.compactMap { stop -> Int? in
                let pattern = Array(stop.utf8)
                guard !pattern.isEmpty, pattern.count <= bytes.count else { return nil }
                return (0...bytes.count - pattern.count).first { bytes[$0...].starts(with: pattern) }
            }
            .min()
    }

    private static func cut(_ tokens: [String], toBytes end: Int) -> [String] {
        var left = end
        var kept: [String] = []
        for token in tokens where left > 0 {
            let taken = token.utf8.prefix(left)
            left -= taken.count
            kept.append(String(decoding: taken, as: UTF8.self))
        }
        return kept
    }
}
