// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Synchronization

/// Counts what became of the prompts that clients gave to this node.
final class AnswerTotals: Sendable {
    private let totals = Mutex(NodeVitals.Answers())

    var all: NodeVitals.Answers { totals.withLock { $0 } }

    func note(_ record: RouteRecord) {
        totals.withLock { totals in
            totals.continuations += record.continuations.count
            if let first = record.firstToken { totals.firstToken.add(first) }
            switch record.end {
            case .completed: totals.completed += 1
            case .abandoned: totals.abandoned += 1
            case .noRoom: totals.queueRefusals += 1
            case .brokeOff:
                totals.failed += 1
                totals.continuationsFailed += 1
            case .failed: totals.failed += 1
            case .clientsFault: break
            }
        }
    }
}

extension RouteRecord {
    /// How a request ended, as far as monitors tell ends apart.
    enum End: Hashable, Sendable {
        case completed
        case abandoned
        /// Turned away since every queue was full.
        case noRoom
        /// For a reason that another request would not have met.
        case clientsFault
        case failed
        /// After the client had seen its beginning, and nobody went on.
        case brokeOff
    }

    var end: End {
        switch outcome {
        case .completed: .completed
        case .abandoned: .abandoned
        case .failed(let code):
            switch code {
            case .malformedRequest, .invalidRequest, .modelNotFound, .nodeNotFound, .unsupported, .cancelled,
                .deadlineExceeded:
                .clientsFault
            case .overloaded, .rateLimited: firstToken == nil ? .noRoom : .brokeOff
            case .unreachable, .timeout, .interrupted, .invalidAnswer, .engineError, .unauthorized, .cannotContinue,
                .noEngine:
                firstToken == nil ? .failed : .brokeOff
            }
        }
    }
}
