// SPDX-License-Identifier: Apache-2.0

package import HummingbirdCore
package import KithTrust

extension HTTPServerBuilder {
    /// A listener for clients: HTTP/1.1, or with TLS also HTTP/2.
    ///
    /// - Parameters:
    ///   - errors: In which clients are told that what they sent is no HTTP: no path says it.
    ///   - early: What answers some requests of HTTP/1.1 before the framework.
    package static func surface(
        limits: ConnectionLimits, errors: ErrorDialect, early: NodeChannel.EarlyHandler? = nil, tls: SurfaceTLSSource?
    ) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            var http1 = NodeChannel(responder: responder, limits: limits, errors: errors, early: early)
            guard let tls else { return http1 }
            http1.isSecure = true
            return SecureNodeChannel(
                tls: tls, http1: http1, http2: MultiplexedNodeChannel(responder: responder, limits: limits),
                limits: limits)
        }
    }
}
