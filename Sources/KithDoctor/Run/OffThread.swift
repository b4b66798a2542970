// SPDX-License-Identifier: Apache-2.0

import Dispatch
import KithModel
import Synchronization

/// Runs what blocks and cannot be interrupted, such as the system's resolver.
enum OffThread {
    /// - Returns: `nil` when the limit came first; the work then ends by itself, and nobody hears of it.
    static func run<Value: Sendable>(
        limit: Duration, _ work: @escaping @Sendable () -> Value
    ) async -> Value? {
        let box = Box<Value>()
        return await withCheckedContinuation { continuation in
            box.waiting.withLock { $0 = continuation }
            let queue = DispatchQueue.global()
            queue.async { box.end(work()) }
            queue.asyncAfter(deadline: .now() + .milliseconds(Int(limit.milliseconds.rounded(.up)))) { box.end(nil) }
        }
    }

    /// The first to end it wins.
    private final class Box<Value: Sendable>: Sendable {
        let waiting = Mutex<CheckedContinuation<Value?, Never>?>(nil)

        func end(_ value: Value?) {
            let continuation = waiting.withLock { waiting in
                defer { waiting = nil }
                return waiting
            }
            continuation?.resume(returning: value)
        }
    }
}
