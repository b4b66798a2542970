// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What a bridge has counted since its start.
final class BridgeCounters: Sendable {
    struct Values: Sendable {
        var toHealthy: UInt64 = 0
        var toDegraded: UInt64 = 0
        var forwardedAssists: UInt64 = 0
        var ownAssists: UInt64 = 0
        var forwardedSyncs: UInt64 = 0
        var keptSyncs: UInt64 = 0
        var replayed: UInt64 = 0
        var dropped: UInt64 = 0
        /// Times an upstream was set aside.
        var setAside: UInt64 = 0
    }

    private let state = Mutex(Values())

    var values: Values { state.withLock { $0 } }

    func count(_ change: @Sendable (inout Values) -> Void) { state.withLock { change(&$0) } }
}
