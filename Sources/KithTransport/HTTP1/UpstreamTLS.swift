// SPDX-License-Identifier: Apache-2.0

package import KithModel
import NIOCore
import NIOSSL
import Synchronization

/// TLS towards providers, made when first needed: a node that talks to none does not pay for the root certificates.
final class UpstreamTLS: Sendable {
    private let pin: CertificatePin?
    private let roots: TrustedRoots?
    private let context = Mutex<NIOSSLContext?>(nil)

    /// - Parameters:
    ///   - pin: The certificate that is trusted in place of all that lead to the system's roots.
    ///   - roots: Trusted in place of the system's.
    init(pin: CertificatePin? = nil, roots: TrustedRoots? = nil) {
        self.pin = pin
        self.roots = roots
    }

    /// Must be called on the channel's event loop.
    func secure(_ channel: any Channel, host: String) throws {
        let context = try context.withLock { context in
            if let context { return context }
            var configuration = TLSConfiguration.makeClientConfiguration()
            // A node's own certificate names no host, and the pin says more than a name.
            if pin != nil { configuration.certificateVerification = .noHostnameVerification }
            if let roots { configuration.trustRoots = .certificates(roots.certificates) }
            let made = try NIOSSLContext(configuration: configuration)
            context = made
            return made
        }
        let isName = (try? SocketAddress(ipAddress: host, port: 0)) == nil
        try channel.pipeline.syncOperations.addHandler(handler(context: context, name: isName ? host : nil))
    }

    private func handler(context: NIOSSLContext, name: String?) throws -> NIOSSLClientHandler {
        guard let pin else { return try NIOSSLClientHandler(context: context, serverHostname: name) }
        return try NIOSSLClientHandler(context: context, serverHostname: name) { chain, promise in
            do {
                let isExpected = try chain.first.map { pin.accepts(try $0.toDERBytes()) } ?? false
                promise.succeed(isExpected ? .certificateVerified : .failed)
            } catch {
                promise.succeed(.failed)
            }
        }
    }

    /// Whether a connection failed because one side did not accept the other, or does not speak TLS.
    static func isRefusal(_ error: any Error) -> Bool {
        if case .handshakeFailed? = error as? NIOSSLError { return true }
        return error is NIOSSLExtraError
    }
}

extension ChatFailure {
    /// Whether somebody answered, and the TLS handshake with them failed.
    package var isTLSRefusal: Bool { cause.map(UpstreamTLS.isRefusal) ?? false }
}
