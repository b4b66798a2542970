// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// How the bridge of a node is, for those who look at the node; empty until the node has one.
package final class BridgeReport: Sendable {
    /// A type of its own around the closure; see `Callback`.
    private struct Source: Sendable {
        let report: @Sendable () -> JSONObject
    }

    private let source = Mutex<Source?>(nil)

    package init() {}

    /// - Parameter report: Says how it is, from memory; must not wait.
    package func set(_ report: @escaping @Sendable () -> JSONObject) {
        source.withLock { $0 = Source(report: report) }
    }

    /// `nil` for a node without the role.
    var fields: JSONObject? { source.withLock { $0 }?.report() }
}
