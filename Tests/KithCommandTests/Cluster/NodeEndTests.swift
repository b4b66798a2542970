// SPDX-License-Identifier: Apache-2.0

import KithCommand
import Testing

@Suite("Nodes of a cluster that died")
struct NodeEndTests {
    @Test("A node that was told to stop, or that refuses its settings, did not die")
    func deaths() {
        #expect(!NodeEnd.exited(0).isDeath && !NodeEnd.exited(64).isDeath)
        #expect(NodeEnd.exited(1).isDeath && NodeEnd.signaled(9).isDeath)
        #expect("\(NodeEnd.exited(1)), \(NodeEnd.signaled(9))" == "exit status 1, signal 9")
    }

    @Test("Whoever dies again and again waits longer and longer, up to half a minute")
    func pauses() {
        var pauses = RestartPauses()
        let waits = (0..<12).map { _ in pauses.next(afterRunning: .seconds(1)) }
        #expect(waits.prefix(4) == [.milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800)])
        #expect(waits.suffix(3) == [.seconds(30), .seconds(30), .seconds(30)])
    }

    @Test("Whoever has run for a while is started again at once")
    func settled() {
        var pauses = RestartPauses()
        for _ in 0..<12 { _ = pauses.next(afterRunning: .zero) }
        #expect(pauses.next(afterRunning: .seconds(30)) == .milliseconds(100))
        #expect(pauses.next(afterRunning: .zero) == .milliseconds(200))
    }
}
