// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
package import NIOPosix

/// An HTTP/1.1 client (RFC 9112) for engines and peers, made for relaying.
///
/// Each event loop keeps its own connections, and a request runs on the loop its task is on, so that a relayed byte
/// crosses no thread. Redirects are not followed and proxies not used: an engine's address is what its owner wrote.
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

    /// Sends a request and waits for the whole answer, whatever its status.
    ///
    /// - Throws: ``ChatFailure`` with `unreachable`, `timeout`, `interrupted` or `invalidAnswer`; `CancellationError`.
    package func collect(_ request: UpstreamRequest) async throws -> UpstreamReply {
        guard case .reply(let reply) = try await run(UpstreamExchange(request, mode: .collect)) else {
            throw ChatFailure(.invalidAnswer, "a stream came where a whole answer was asked for")
        }
        return reply
    }

    /// Sends a request and waits for the head of the answer, whatever its status.
    ///
    /// - Throws: ``ChatFailure`` with `unreachable`, `timeout`, `interrupted` or `invalidAnswer`; `CancellationError`.
    package func stream(_ request: UpstreamRequest) async throws -> UpstreamResponse {
        guard case .response(let response) = try await run(UpstreamExchange(request, mode: .stream)) else {
            throw ChatFailure(.invalidAnswer, "a whole answer came where a stream was asked for")
        }
        return response
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

    private func run(_ exchange: UpstreamExchange) async throws -> UpstreamExchange.Outcome {
        let eventLoop = group.any()
        guard let pool = pools[ObjectIdentifier(eventLoop)] else {
            throw ChatFailure(.unreachable, "this node's event loops have stopped")
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard exchange.begin(continuation) else { return }
                if eventLoop.inEventLoop {
                    pool.value.run(exchange)
                } else {
                    eventLoop.execute { pool.value.run(exchange) }
                }
            }
        } onCancel: {
            exchange.cancel()
        }
    }
}
