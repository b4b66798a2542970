// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// A request under way.
///
/// Each method may be called from everywhere and acts at once when it is called on ``eventLoop``; otherwise it acts
/// there, soon. None has an effect on an exchange that has ended, whatever runs on its connection by now.
package final class UpstreamCall: Sendable {
    /// Where the connection lives.
    package let eventLoop: any EventLoop
    private let exchange: NIOLoopBoundBox<UpstreamExchange>
    private let relay: UpstreamRelay?

    /// Must be called on the event loop of the exchange.
    convenience init(_ exchange: UpstreamExchange) {
        self.init(NIOLoopBoundBox(exchange, eventLoop: exchange.eventLoop))
    }

    /// - Parameter relay: What tells the handler, where that is on another event loop.
    init(_ exchange: NIOLoopBoundBox<UpstreamExchange>, relay: UpstreamRelay? = nil) {
        eventLoop = exchange.eventLoop
        self.exchange = exchange
        self.relay = relay
    }

    /// Ends the exchange: closes the connection if it runs there. The handler is told nothing more, at once where this
    /// is called on the handler's event loop.
    package func cancel() {
        relay?.mute()
        onLoop { $0.cancel() }
    }

    /// Stops reading: the other side will wait when its buffers are full, and the time it waits is not held against it.
    /// What has been read by now is still told.
    package func holdReads() { onLoop { $0.holdReads() } }

    package func resumeReads() { onLoop { $0.resumeReads() } }

    /// From now on no pause between two pieces may be longer.
    package func limitStalls(to limit: Duration) { onLoop { $0.limitStalls(to: limit) } }

    private func onLoop(_ action: @escaping @Sendable (UpstreamExchange) -> Void) {
        if eventLoop.inEventLoop {
            action(exchange.value)
        } else {
            eventLoop.execute { [exchange] in action(exchange.value) }
        }
    }
}
