// SPDX-License-Identifier: Apache-2.0

/// Names one conversation kept by one node: 1 to 128 characters, chosen by the client or by the node.
package struct SessionID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    /// - Returns: `nil` when `rawValue` is empty, longer than 128 bytes or holds a control character.
    package init?(_ rawValue: String) {
        guard (1...128).contains(rawValue.utf8.count), rawValue.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            return nil
        }
        self.rawValue = rawValue
    }

    package static func random() -> SessionID {
        SessionID(unchecked: "session-" + RequestID.random().rawValue)
    }

    private init(unchecked rawValue: String) { self.rawValue = rawValue }

    package var description: String { rawValue }
}
