// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The last first-token times of an engine, and the limit that follows from them.
package struct LatencyWindow: Sendable {
    package static let capacity = 128
    package static let floor = Duration.seconds(10)

    private var samples: [Duration] = []
    private var next = 0

    package init() {}

    package mutating func add(_ sample: Duration) {
        if samples.count < Self.capacity {
            samples.append(sample)
        } else {
            samples[next] = sample
            next = (next + 1) % Self.capacity
        }
    }

    /// Three times the 99th percentile, at least ten seconds; the limit for the unknown until there are five samples.
    package var firstTokenLimit: Duration {
        guard samples.count >= 5 else { return ChatRequest.unknownFirstTokenLimit }
        let sorted = samples.sorted()
        return max(sorted[(sorted.count * 99 - 1) / 100] * 3, Self.floor)
    }
}
