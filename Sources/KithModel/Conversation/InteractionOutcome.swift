// SPDX-License-Identifier: Apache-2.0

/// How one request of a user ended.
///
/// A request that its own client gave up is none of these: it says nothing about how well it was served.
package enum InteractionOutcome: String, Hashable, Sendable, Codable, CaseIterable {
    /// The whole answer reached the client.
    case completed
    /// No answer could be given.
    case failed
    /// The answer began and broke off.
    case cutOff = "cut_off"
}

/// How many interactions ended in each way, since the node's first start.
package struct OutcomeCounts: Hashable, Sendable, Codable {
    package var completed: Int
    package var failed: Int
    package var cutOff: Int

    package init(completed: Int = 0, failed: Int = 0, cutOff: Int = 0) {
        self.completed = completed
        self.failed = failed
        self.cutOff = cutOff
    }

    package mutating func count(_ outcome: InteractionOutcome) {
        switch outcome {
        case .completed: completed &+= 1
        case .failed: failed &+= 1
        case .cutOff: cutOff &+= 1
        }
    }
}
