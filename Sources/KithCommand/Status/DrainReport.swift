// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// How far a node has come that is to take no new prompts.
package struct DrainReport: Sendable {
    /// Seconds until kin have heard of it: it travels with their gossip, and what they sent before is on its way.
    private static let settling = 1.0

    private let drain: ControlMessage.Drain

    package init(_ drain: ControlMessage.Drain) { self.drain = drain }

    /// Whether nothing runs on the node's engine, and nothing will be sent there that can go elsewhere.
    package var isDone: Bool {
        drain.draining && running == 0 && (drain.seconds ?? 0) >= Self.settling
    }

    package var running: Int {
        let (sum, overflow) = max(0, drain.active).addingReportingOverflow(max(0, drain.queued))
        return overflow ? .max : sum
    }

    /// What still runs; `nil` when nothing does.
    package var progress: String? {
        running == 0 ? nil : running == 1 ? "1 request still runs here" : "\(running) requests still run here"
    }

    package var end: String {
        drain.kinAnswer
            ? "nothing runs here any more; kin answer new prompts"
            : "nothing runs here any more; no kin can answer, so that new prompts to this node are answered here still"
    }

    package static let off = "this node takes new prompts again"
}
