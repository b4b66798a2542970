// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
import NIOCore

/// What goes with a request on a node's listener.
package struct NodeRequestContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Nobody until ``AccessMiddleware`` has looked.
    var caller: Result<Principal, AccessRefusal> = .failure(.keyMissing)
    private let channel: any Channel

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// The address of the client, without the port.
    var source: String? { channel.remoteAddress?.ipAddress }
}
