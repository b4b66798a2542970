// SPDX-License-Identifier: Apache-2.0

/// A value that must never be printed: keys, tokens, passwords.
///
/// Its description and its reflection say only that there is a secret; the value leaves through ``reveal()``, which is
/// easy to search for.
package struct Secret: Sendable, Hashable {
    private let value: String

    package init(_ value: String) { self.value = value }

    /// The value itself, to be handed to the one place that must send or compare it.
    package func reveal() -> String { value }

    /// Compares in time that depends only on the two lengths, which are no secret.
    package func matches(_ candidate: some Collection<UInt8>) -> Bool {
        guard candidate.count == value.utf8.count, !value.isEmpty else { return false }
        let (shown, expected) = (Array(candidate), Array(value.utf8))  // once: what is generic here reads slowly
        var difference: UInt8 = 0
        for index in shown.indices { difference |= shown[index] ^ expected[index] }
        return difference == 0
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<secret>" }
    package var debugDescription: String { "<secret>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
