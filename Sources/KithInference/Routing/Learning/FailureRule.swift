// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a failure before the first token means for the request and for the candidate.
package struct FailureRule: Hashable, Sendable {
    package enum CandidateEffect: Hashable, Sendable {
        case none
        /// Counts towards the breaker, and as a long wait.
        case failure
        /// Not asked again for a while, and why: it said so, or asking is pointless.
        case hold(Duration, String)
    }

    package var triesAnother: Bool
    package var effect: CandidateEffect

    package init(_ failure: ChatFailure) {
        switch failure.code {
        case .unreachable, .timeout, .interrupted, .invalidAnswer, .engineError:
            (triesAnother, effect) = (true, .failure)
        case .overloaded, .rateLimited:
            let pause = min(failure.roomAfter ?? failure.retryAfter ?? .seconds(1), .seconds(60))
            (triesAnother, effect) = (true, .hold(pause, failure.code.rawValue))
        case .unauthorized: (triesAnother, effect) = (true, .hold(.seconds(60), "key refused"))
        case .modelNotFound: (triesAnother, effect) = (true, .hold(.seconds(5), "model gone"))
        case .cannotContinue: (triesAnother, effect) = (true, .none)
        case .noEngine, .unsupported: (triesAnother, effect) = (true, .hold(.seconds(2), failure.code.rawValue))
        case .malformedRequest, .invalidRequest, .cancelled, .deadlineExceeded: (triesAnother, effect) = (false, .none)
        }
    }
}
