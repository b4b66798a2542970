// SPDX-License-Identifier: Apache-2.0

/// An answer that broke off: what the one who asked has of it, and what whoever goes on must not say again.
package struct BegunAnswer: Hashable, Sendable, Codable {
    package var text: String
    /// How many tokens that is, as far as it is known: the pieces in which it came.
    package var tokens: Int

    package init(text: String, tokens: Int) {
        self.text = text
        self.tokens = tokens
    }
}
