// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
import NIOCore

/// What goes with a request on the peer port.
package struct PeerRequestContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The connection, whose stream the request came on.
    let connection: (any Channel)?

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        connection = source.channel.parent
    }
}
