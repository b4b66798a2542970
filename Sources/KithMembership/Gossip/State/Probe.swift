// SPDX-License-Identifier: Apache-2.0

import KithModel

/// A probe that is under way.
struct Probe: Sendable {
    enum Stage: Sendable {
        /// The ping was sent. Leaves to `repeated` when half the timeout has passed.
        case pinged
        /// The ping was sent again. Leaves to `indirect`, or the probe fails.
        case repeated
        /// Others have been asked. The probe fails when they have found nothing either.
        case indirect
    }

    let target: NodeID
    let startedAt: Moment
    let timeout: Duration
    var stage: Stage
    var deadline: Moment
    var helpersAsked = 0
    var helpersHeard = 0
}

/// A probe in another member's stead.
struct Relay: Sendable {
    let requester: NodeID
    /// The requester's number.
    let sequence: SequenceNumber
    let target: NodeID
    let deadline: Moment
}
