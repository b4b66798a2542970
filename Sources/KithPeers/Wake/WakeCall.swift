// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Synchronization

/// What wakes a node, which is made after the directory.
final class WakeCall: Sendable {
    /// A type of its own around the closure; see `Callback`.
    private struct Call: Sendable {
        let wake: @Sendable (NodeID) -> WakeStep?
    }

    private let call = Mutex<Call?>(nil)

    func set(_ wake: @escaping @Sendable (NodeID) -> WakeStep?) {
        let call = Call(wake: wake)
        self.call.withLock { $0 = call }
    }

    func callAsFunction(_ node: NodeID) -> WakeStep? { call.withLock { $0 }?.wake(node) }
}
