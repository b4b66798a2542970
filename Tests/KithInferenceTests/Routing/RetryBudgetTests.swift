// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Testing

@Suite("Retry budget")
struct RetryBudgetTests {
    @Test("Three retries are always allowed, a fourth is not")
    func minimum() {
        var budget = RetryBudget()
        let verdicts = (0..<5).map { _ in budget.spend(now: .zero) }
        #expect(verdicts == [true, true, true, false, false])
    }

    @Test("A fifth of the requests of the last ten seconds may be retried")
    func share() {
        var budget = RetryBudget()
        for _ in 0..<100 { budget.requestArrived(now: .seconds(1)) }
        let allowed = (0..<30).count { _ in budget.spend(now: .seconds(2)) }
        #expect(allowed == 20)
    }

    @Test("What was spent comes back when it is ten seconds old")
    func windowSlides() {
        var budget = RetryBudget()
        while budget.spend(now: .zero) {}
        let early = budget.spend(now: .seconds(9))
        let late = budget.spend(now: .seconds(11))
        #expect(!early)
        #expect(late)
    }

    @Test("A clock that jumps far ahead or back costs no time and breaks nothing")
    func jumps() {
        var budget = RetryBudget()
        budget.requestArrived(now: MonotonicInstant(nanoseconds: .max))
        budget.requestArrived(now: MonotonicInstant(nanoseconds: .min))
        let isAllowed = budget.spend(now: .zero)
        #expect(isAllowed)
    }
}
