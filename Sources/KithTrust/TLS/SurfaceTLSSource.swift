// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The TLS of the listeners of clients as it is now. A new one counts for the connections that come after it.
package final class SurfaceTLSSource: Sendable {
    private let state: Mutex<SurfaceTLS>

    package init(_ tls: SurfaceTLS) { state = Mutex(tls) }

    package var current: SurfaceTLS { state.withLock { $0 } }

    package func replace(with tls: SurfaceTLS) { state.withLock { $0 = tls } }
}
