// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import KithTrust

extension HTTPServerBuilder {
    /// A listener for clients: HTTP/1.1, or with TLS also HTTP/2.
    static func surface(limits: ConnectionLimits, hotRoute: HotRoute?, tls: SurfaceTLSSource?) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            var http1 = NodeChannel(responder: responder, limits: limits, hotRoute: hotRoute)
            guard let tls else { return http1 }
            http1.isSecure = true
            return SecureNodeChannel(
                tls: tls, http1: http1, http2: MultiplexedNodeChannel(responder: responder, limits: limits),
                limits: limits)
        }
    }
}
