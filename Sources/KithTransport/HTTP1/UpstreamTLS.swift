// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import Synchronization

/// TLS towards providers, made when first needed: a node that talks to none does not pay for the root certificates.
final class UpstreamTLS: Sendable {
    private let context = Mutex<NIOSSLContext?>(nil)

    /// Must be called on the channel's event loop.
    func secure(_ channel: any Channel, host: String) throws {
        let context = try context.withLock { context in
            if let context { return context }
            let made = try NIOSSLContext(configuration: .makeClientConfiguration())
            context = made
            return made
        }
        let isName = (try? SocketAddress(ipAddress: host, port: 0)) == nil
        try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: context, serverHostname: isName ? host : nil))
    }
}
