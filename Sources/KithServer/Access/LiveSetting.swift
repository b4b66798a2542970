// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A setting that may change while the node runs.
package final class LiveSetting<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    package init(_ value: Value) { state = Mutex(value) }

    package var value: Value { state.withLock { $0 } }

    package func replace(with value: Value) { state.withLock { $0 = value } }
}
