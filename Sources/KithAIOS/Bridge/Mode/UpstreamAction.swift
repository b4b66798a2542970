// SPDX-License-Identifier: Apache-2.0

/// Whether any upstream can be asked.
package enum BridgeMode: String, Sendable {
    case healthy
    /// Everything is answered by the bridge itself, or kept for later.
    case degraded
}

/// What an event changed, for the log, the counters and those who wait.
package enum UpstreamAction: Hashable, Sendable {
    /// It answers, for the first time or again.
    case cameUp(UpstreamID)
    /// It answers no more: whoever waits for it need not go on.
    case wentDown(UpstreamID, String)
    /// It lives, and what it answers cannot be used: nothing is asked of it for so long.
    case setAside(UpstreamID, String, for: Duration)
    case mode(BridgeMode, reason: String?)
}
