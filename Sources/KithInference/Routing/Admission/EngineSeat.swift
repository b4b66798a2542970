// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// The place of this node's engine: taken at the start, or later, when one appears on the machine.
package final class EngineSeat: Sendable {
    private let taken = Mutex<LocalEngine?>(nil)
    private let onSign = Callback<LocalEngine.Sign>()
    private let onLoad = Callback<Void>()

    /// - Parameter engine: `nil` for a node that has none, or none yet.
    package init(_ engine: LocalEngine? = nil) {
        if let engine { take(engine) }
    }

    /// `nil` while there is none.
    package var engine: LocalEngine? { taken.withLock { $0 } }

    /// Whether a prompt is being answered here now.
    package var isAnswering: Bool { (engine?.load.running ?? 0) > 0 }

    /// Answers with this engine from now on.
    package func take(_ engine: LocalEngine) {
        engine.whenHeard { [onSign] in onSign($0) }
        engine.whenLoadChanged { [onLoad] in onLoad(()) }
        taken.withLock { $0 = engine }
        onLoad(())
    }

    /// - Parameter onSign: Called for each answer that begins and each that fails, by the task of the request; must not
    ///   wait.
    package func whenHeard(_ onSign: @escaping @Sendable (LocalEngine.Sign) -> Void) { self.onSign.set(onSign) }

    /// - Parameter action: Called each time a request takes a slot, waits for one or goes, and when an engine is taken; must
    ///   not wait.
    package func whenLoadChanged(_ action: @escaping @Sendable () -> Void) { onLoad.set { action() } }
}
