// SPDX-License-Identifier: Apache-2.0

import CDNSSD

/// Whether the mDNS daemon takes questions.
package enum MulticastTrial {
    /// Asks the daemon to look for nodes, and withdraws that at once. Blocks until the daemon has answered.
    ///
    /// - Returns: Why there is no mDNS, with what mends it, in words; `nil` when there is.
    package static func run() -> String? {
        do throws(DNSSDError) {
            _ = try DNSSDOperation.browse(with: .load())
            return nil
        } catch {
            return error.description
        }
    }
}
