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
        let (shown, expected) = (Array(candidate), Array(value.utf8))
        // What has another length is compared with itself, for the time it takes.
        let reference = shown.count == expected.count ? expected : shown
        var difference: UInt8 = 0
        for index in shown.indices { difference |= shown[index] ^ reference[index] }
        return difference == 0 && shown.count == expected.count && !expected.isEmpty
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<secret>" }
    package var debugDescription: String { "<secret>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
