// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// Where clients reach a listener: a port that was left to the system is known when it is open.
package final class ListeningAddress: Sendable {
    private let state: Mutex<HTTPAddress>

    package init(_ wanted: HTTPAddress) { state = Mutex(wanted) }

    package var value: HTTPAddress { state.withLock { $0 } }

    package func opened(port: Int?) {
        guard let port else { return }
        state.withLock { $0.port = port }
    }
}
