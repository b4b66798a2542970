// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization
import Testing

struct CallbackTests {
    @Test("A million calls later a call is not deeper than the first")
    func manyCalls() {
        let sum = Mutex(0)
        let callback = Callback<Int>()
        callback.set { value in sum.withLock { $0 += value } }
        for _ in 0..<1_000_000 { callback(1) }
        #expect(sum.withLock { $0 } == 1_000_000)
    }

    @Test("Nobody is told before somebody wants to know, and the last who does is")
    func setting() {
        let told = Mutex<[String]>([])
        let callback = Callback<Int>()
        callback(1)
        callback.set { value in told.withLock { $0.append("first \(value)") } }
        callback(2)
        callback.set { value in told.withLock { $0.append("second \(value)") } }
        callback(3)
        #expect(told.withLock { $0 } == ["first 2", "second 3"])
    }

    @Test("Of a list, all who want to know are told, in the order in which they came")
    func list() {
        let told = Mutex<[String]>([])
        let callbacks = CallbackList<Int>()
        callbacks(1)
        callbacks.add { value in told.withLock { $0.append("first \(value)") } }
        callbacks(2)
        callbacks.add { value in told.withLock { $0.append("second \(value)") } }
        callbacks(3)
        #expect(told.withLock { $0 } == ["first 2", "first 3", "second 3"])
    }
}
