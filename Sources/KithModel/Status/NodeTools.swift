// SPDX-License-Identifier: Apache-2.0

/// What the program around a node can do for it, by parts that the node itself is not made of.
package struct NodeTools: Sendable {
    /// Looks for what is wrong and says what mends it, as JSON; `nil` where the program cannot.
    package var examine: (@Sendable () async throws -> JSONValue)?
    /// The modules of a QR code, a row a line, `1` for a dark one; `nil` for a text that does not fit into one.
    package var qrCode: @Sendable (_ text: String) -> [String]?

    package init(
        examine: (@Sendable () async throws -> JSONValue)? = nil,
        qrCode: @escaping @Sendable (_ text: String) -> [String]? = { _ in nil }
    ) {
        self.examine = examine
        self.qrCode = qrCode
    }
}
