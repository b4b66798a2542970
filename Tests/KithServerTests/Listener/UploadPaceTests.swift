// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
@testable import KithServer

@Suite("The pace of a body")
struct UploadPaceTests {
    private let limits = UploadPace.Limits(window: .seconds(30), bytes: 1_024, whole: .seconds(600))
    private let start = NIODeadline.uptimeNanoseconds(1_000_000)

    private func after(_ seconds: Int64) -> NIODeadline { start + .seconds(seconds) }

    @Test("A body that flows is let be, however long it is")
    func flows() {
        var pace = UploadPace(limits: limits, now: start)
        for second in 1...599 {
            pace.piece(64)
            #expect(!{ pace.isOverdue(now: after(Int64(second))) }(), "at \(second) s")
        }
    }

    @Test("One that hardly does is overdue at the end of the time that is watched, also after a good beginning")
    func trickles() {
        var pace = UploadPace(limits: limits, now: start)
        pace.piece(1 << 20)
        #expect(!{ pace.isOverdue(now: after(30)) }())
        #expect(pace.nextCheck == after(60))
        pace.piece(1_023)
        #expect(!{ pace.isOverdue(now: after(59)) }())
        #expect({ pace.isOverdue(now: after(60)) }())
    }

    @Test("One that never ends is overdue in the end")
    func endless() {
        var pace = UploadPace(limits: limits, now: start)
        var now = start
        while pace.nextCheck < after(600) {
            pace.piece(.max)
            now = pace.nextCheck
            #expect(!{ pace.isOverdue(now: now) }())
        }
        pace.piece(.max)
        #expect(pace.nextCheck == after(600))
        #expect({ pace.isOverdue(now: after(600)) }())
    }

    @Test("Whoever could not send because nobody read is not blamed for it")
    func paused() {
        var pace = UploadPace(limits: limits, now: start)
        pace.paused(now: after(29))
        #expect(!{ pace.isOverdue(now: after(30)) }())
        #expect({ pace.isOverdue(now: after(59)) }())
    }

    @Test("Counts that no decoder gives do no harm")
    func nonsense() {
        var pace = UploadPace(limits: limits, now: start)
        for count in [.min, -1, .max, .max] { pace.piece(count) }
        #expect(!{ pace.isOverdue(now: after(30)) }())
    }
}
