// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Where a supervised llama.cpp server stands.
package enum LlamaState: Hashable, Sendable {
    /// Not started, or the model is being loaded. Leaves to `ready` or `down`.
    case loading
    /// Leaves to `down` or `stopped`.
    case ready(HTTPAddress)
    /// Leaves to `loading` at the next attempt, or to `stopped`.
    case down(LlamaOutage)
    /// Its node stops.
    case stopped
}

/// Why a server is down, and when it is tried again.
package struct LlamaOutage: Hashable, Sendable {
    package var reason: String
    /// Restarts since it last ran well.
    package var restarts: Int
    package var nextAttempt: Moment

    package init(reason: String, restarts: Int, nextAttempt: Moment) {
        self.reason = reason
        self.restarts = restarts
        self.nextAttempt = nextAttempt
    }
}
