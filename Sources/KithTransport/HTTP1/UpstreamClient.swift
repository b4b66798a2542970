// SPDX-License-Identifier: Apache-2.0

import KithModel
package import NIOCore
package import NIOPosix

/// An HTTP/1.1 client (RFC 9112) for engines and peers, made for relaying.
///
/// Each event loop keeps its own connections, and a request runs on the loop that is named or that its task is on, so
/// that a relayed byte crosses no thread. Redirects are not followed and proxies not used: an engine's address is what
/// its owner wrote.
package final class UpstreamClient: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let pools: [ObjectIdentifier: NIOLoopBoundBox<UpstreamPool>]

    /// - Parameters:
    ///   - pin: The only certificate that `https` servers may show.
    ///   - roots: What vouches for `https` servers without a pin; `nil` trusts the system's roots.
    package init(
        group: MultiThreadedEventLoopGroup = .singleton, pin: CertificatePin? = nil, roots: TrustedRoots? = nil
    ) {
        let tls = UpstreamTLS(pin: pin, roots: roots)
        self.group = group
        var pools: [ObjectIdentifier: NIOLoopBoundBox<UpstreamPool>] = [:]
        for eventLoop in group.makeIterator() {
            pools[ObjectIdentifier(eventLoop)] = .makeBoxSendingValue(
                UpstreamPool(eventLoop: eventLoop, tls: tls), eventLoop: eventLoop)
        }
        self.pools = pools
    }

    /// Sends a request and tells the handler what becomes of it. Must be called on `eventLoop`.
    ///
    /// - Parameter eventLoop: One of the client's group; with another one the request ends with `unreachable`.
    package func start(
        _ request: UpstreamRequest, on eventLoop: any EventLoop, handler: any UpstreamResponseHandler
    ) -> UpstreamCall {
        let exchange = UpstreamExchange(request, handler: handler, eventLoop: eventLoop)
        let call = UpstreamCall(exchange)
        run(exchange)
        exchange.hasBegun()
        return call
    }

    func run(_ exchange: UpstreamExchange) {
        if let pool = pools[ObjectIdentifier(exchange.eventLoop)] {
            pool.value.run(exchange)
        } else {
            exchange.end(ChatError(.unreachable, "this node's event loops have stopped"))
        }
    }

    /// Sends a request and waits for the whole answer, whatever its status.
    ///
    /// - Throws: `ChatError` as given to `UpstreamResponseHandler.ended(_:)`; `CancellationError`.
    package func collect(_ request: UpstreamRequest) async throws -> UpstreamReply {
        try await ReplyCollector.collect(request, on: group.any(), run)
    }

    /// Sends a request and waits for the head of the answer, whatever its status.
    ///
    /// - Throws: As ``collect(_:)``.
    package func stream(_ request: UpstreamRequest) async throws -> UpstreamResponse {
        try await BodyBuffer.stream(request, on: group.any(), run)
    }

    /// Closes idle connections and refuses new ones; exchanges under way go on.
    package func shutDown() async {
        for pool in pools.values {
            await withCheckedContinuation { continuation in
                pool.eventLoop.execute {
                    pool.value.shutDown()
                    continuation.resume()
                }
            }
        }
    }
}
