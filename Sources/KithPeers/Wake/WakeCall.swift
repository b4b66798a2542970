// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Synchronization

/// What wakes a node, which is made after the directory.
final class WakeCall: Sendable {
    /// A type of its own around the closures; see `Callback`.
    struct Calls: Sendable {
        var wake: @Sendable (NodeID) -> WakeStep?
        var forecast: @Sendable (NodeID) -> WakeForecast?
        var mayBeWoken: @Sendable (NodeID) -> Bool
    }

    private let calls = Mutex<Calls?>(nil)

    func set(_ calls: Calls) { self.calls.withLock { $0 = calls } }

    func callAsFunction(_ node: NodeID) -> WakeStep? { current?.wake(node) }

    func forecast(of node: NodeID) -> WakeForecast? { current?.forecast(node) }

    func mayBeWoken(_ node: NodeID) -> Bool { current?.mayBeWoken(node) ?? false }

    /// Copied, so that nothing is called under the lock.
    private var current: Calls? { calls.withLock { $0 } }
}
