// SPDX-License-Identifier: Apache-2.0

/// How long a client of the bridge waits at most, whatever the upstream does.
enum BridgeLimits {
    static let sync = Duration.seconds(3)
    /// For an answer about code, the bridge's own included.
    static let assist = Duration.seconds(25)
    /// Of ``assist``, what is left for the bridge's own answer when upstreams have used up the rest.
    static let ownAssist = Duration.seconds(5)
    /// Of ``ownAssist``, what is left for reading the code without an engine.
    static let reading = Duration.seconds(1)
    static let vault = Duration.seconds(5)
    /// Upstreams that are asked for one client's request.
    static let attempts = 3
    /// Bytes of a body with code.
    static let assistBody = 1 << 20
    /// Bytes of a body with a level and context: what is kept in the queue is little longer.
    static let syncBody = 192 << 10
}
