// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// The state of a server, for one who sets it and many who read or await it.
final class LlamaStateBox: Sendable {
    private struct Contents {
        var state = LlamaState.loading
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var cancelled: Set<UInt64> = []
    }

    private let contents = Mutex(Contents())

    var state: LlamaState { contents.withLock { $0.state } }

    func set(_ state: LlamaState) {
        let waiters = contents.withLock { contents in
            contents.state = state
            defer { contents.waiters = [:] }
            return contents.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when the state is no longer `old`, or the task is cancelled.
    func change(from old: LlamaState) async {
        let id = contents.withLock { contents in
            contents.nextWaiter += 1
            return contents.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mayGo = contents.withLock { contents in
                    if contents.cancelled.remove(id) != nil || contents.state != old { return true }
                    contents.waiters[id] = continuation
                    return false
                }
                if mayGo { continuation.resume() }
            }
        } onCancel: {
            let waiter = contents.withLock { contents in
                let waiter = contents.waiters.removeValue(forKey: id)
                if waiter == nil { contents.cancelled.insert(id) }
                return waiter
            }
            waiter?.resume()
        }
        contents.withLock { _ = $0.cancelled.remove(id) }
    }
}
