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

    /// Compares in time that depends only on the length of `candidate`.
    package func matches(_ candidate: some Sequence<UInt8>) -> Bool {
        let expected = Array(value.utf8)
        var difference: UInt8 = 0
        var count = 0
        for byte in candidate {
            difference |= byte ^ (expected.isEmpty ? 0xFF : expected[count % expected.count])
            count += 1
        }
        return difference == 0 && count == expected.count && !expected.isEmpty
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<secret>" }
    package var debugDescription: String { "<secret>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
