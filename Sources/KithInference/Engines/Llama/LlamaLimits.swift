// SPDX-License-Identifier: Apache-2.0

/// How patient the supervisor of a llama.cpp server is.
package struct LlamaLimits: Hashable, Sendable {
    /// From the start until the server is ready.
    package var ready: Duration
    /// Between two looks at a server that is not ready yet.
    package var readyPoll: Duration
    /// Between two looks at a server that is ready.
    package var healthInterval: Duration
    /// Looks that fail one after the other until the server is started anew.
    package var healthFailures: Int
    /// From SIGTERM to SIGKILL.
    package var stop: Duration

    package init(
        ready: Duration = .seconds(120), readyPoll: Duration = .milliseconds(200),
        healthInterval: Duration = .seconds(5), healthFailures: Int = 3, stop: Duration = .seconds(3)
    ) {
        self.ready = ready
        self.readyPoll = readyPoll
        self.healthInterval = healthInterval
        self.healthFailures = healthFailures
        self.stop = stop
    }
}
