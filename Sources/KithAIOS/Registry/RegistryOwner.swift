// SPDX-License-Identifier: Apache-2.0

import KithMembership

/// Whose an entry of the registry is until it expires.
///
/// Who showed a key or a certificate owns by that, wherever they come from. Others own by the address of their
/// connection: all programs of one machine are one owner then, which is as far as can be told without keys.
package enum RegistryOwner: Hashable, Sendable, Codable {
    case principal(String)
    case address(String)
    /// This node, which asked and was answered. A cell that speaks for itself from the same address takes its entry over.
    case probe

    /// The owner behind a connection; all loopback addresses are one.
    package static func connected(from address: String?) -> RegistryOwner {
        guard let address else { return .address("unknown") }
        guard let ip = IPAddress(address) else { return .address(address) }
        return .address(ip.isLoopback ? "loopback" : ip.description)
    }
}
