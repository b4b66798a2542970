// SPDX-License-Identifier: Apache-2.0

/// Where a registry keeps its entries between two lives of the node.
package protocol RegistryStorage: Sendable {
    /// - Returns: What was saved last; `nil` when nothing was.
    /// - Throws: When it cannot be read; the registry begins empty then.
    func load() async throws -> [UInt8]?

    /// Replaces what was saved, as a whole or not at all.
    ///
    /// - Throws: When it cannot be saved; the registry tries again later.
    func save(_ bytes: [UInt8]) async throws
}
