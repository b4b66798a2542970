// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithModel
import Testing

@Suite("Why a node leaves prompts to others")
struct PauseCausesTests {
    private func at(_ seconds: Int) -> MonotonicInstant { .zero + .seconds(seconds) }

    @Test("The owner's pause ends when it is ended, or at its time")
    func owner() {
        var causes = PauseCauses()
        #expect(causes.reason == nil)
        causes.pause(until: nil)
        causes.expire(now: at(1_000_000))
        #expect(causes.reason == "asked by the owner")
        causes.end()
        #expect(causes.reason == nil)
        causes.pause(until: at(10))
        causes.expire(now: at(9))
        #expect(causes.reason != nil && causes.ends == at(10))
        causes.expire(now: at(10))
        #expect(causes.reason == nil && causes.ends == nil)
    }

    @Test("A program that runs is a cause until it ends, and the owner may take prompts beside it")
    func programs() {
        var causes = PauseCauses()
        causes.found(["steam", "obs"])
        #expect(causes.reason == "obs, steam run")
        causes.found(["steam"])
        #expect(causes.reason == "steam runs")
        causes.end()
        #expect(causes.reason == nil)
        causes.found(["steam", "obs"])
        #expect(causes.reason == "obs runs", "the owner has not seen this one")
        causes.found([])
        causes.found(["steam"])
        #expect(causes.reason == "steam runs", "it was started anew")
        causes.pause(until: nil)
        causes.found([])
        #expect(causes.reason == "asked by the owner")
    }
}
