// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
package import NIOCore

/// What goes with a request on a node's listener.
package struct NodeRequestContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The connection's other end.
    package let remoteAddress: SocketAddress?
    /// The connection, or the stream of one, that the request came on.
    let channel: any Channel
    /// Nobody until ``AccessMiddleware`` has looked.
    package var caller: Result<Principal, AccessRefusal> = .failure(.keyMissing)

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        remoteAddress = source.channel.remoteAddress
    }

    /// The address of the client, without the port.
    package var source: String? { remoteAddress?.source }
}
