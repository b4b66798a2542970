// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What is known of one candidate.
struct CandidateRecord: Sendable {
    /// A request of this node's that is under way there.
    struct Sent: Sendable {
        var at: Moment
        var request: RouteRequest
    }

    var breaker = CircuitBreaker()
    var penalty = FailurePenalty()
    /// Apart, because a model that embeds only reads.
    var chatPace = Pace()
    var embeddingPace = Pace()
    var held: (until: Moment, why: String)?
    var sent: [RequestID: Sent] = [:]
    var usedAt = Moment.zero

    func pace(of purpose: RouteRequest.Purpose) -> Pace { purpose == .chat ? chatPace : embeddingPace }

    mutating func served(_ work: Work, purpose: RouteRequest.Purpose, in time: Duration, now: Moment) {
        switch purpose {
        case .chat: chatPace.served(work, in: time, now: now)
        case .embedding: embeddingPace.served(work, in: time, now: now)
        }
    }

    /// Without what was held against it; its pace and what is under way stay.
    var forgiven: CandidateRecord {
        var record = self
        record.breaker = CircuitBreaker()
        record.penalty = FailurePenalty()
        record.held = nil
        return record
    }
}
