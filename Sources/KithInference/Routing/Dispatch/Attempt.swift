// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// One try at one candidate; reports its outcome exactly once, and that it was abandoned when it is dropped without.
package final class Attempt: Sendable {
    enum Outcome: Sendable {
        case succeeded(EngineCost)
        case failed(ChatFailure)
        case abandoned
    }

    package let candidate: Candidate
    private let report: Mutex<(@Sendable (Outcome) -> Void)?>

    init(candidate: Candidate, report: @escaping @Sendable (Outcome) -> Void) {
        self.candidate = candidate
        self.report = Mutex(report)
    }

    deinit { settle(.abandoned) }

    func succeeded(_ cost: EngineCost) { settle(.succeeded(cost)) }

    func ended(with error: any Error) {
        guard let failure = error as? ChatFailure, failure.code != .cancelled else { return settle(.abandoned) }
        settle(.failed(failure))
    }

    private func settle(_ outcome: Outcome) { report.withLock { $0.take() }?(outcome) }
}
