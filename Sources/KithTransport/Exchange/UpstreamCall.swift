// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import Synchronization

/// A request under way.
///
/// Each method may be called from anywhere and acts at once when it is called on ``eventLoop``; otherwise it acts there,
/// soon. None has an effect on an exchange that has ended, whatever runs on its connection by now.
package final class UpstreamCall: Sendable {
    /// Where the connection lives.
    package let eventLoop: any EventLoop
    private let exchange: NIOLoopBoundBox<UpstreamExchange>
    private let relay: UpstreamRelay?

    /// Must be called on the event loop of the exchange.
    convenience init(_ exchange: UpstreamExchange) {
        self.init(NIOLoopBoundBox(exchange, eventLoop: exchange.eventLoop))
    }

    /// - Parameter relay: What calls the handler, if that is on another event loop.
    init(_ exchange: NIOLoopBoundBox<UpstreamExchange>, relay: UpstreamRelay? = nil) {
        eventLoop = exchange.eventLoop
        self.exchange = exchange
        self.relay = relay
    }

    /// Ends the exchange: closes the connection if it runs there. The handler is not called any more, at once if this is
    /// called on the handler's event loop.
    package func cancel() {
        relay?.mute()
        onLoop { $0.cancel() }
    }

    /// Stops reading: the other side will wait when its buffers are full, and the time it waits does not count against
    /// it. What has been read by now is still delivered.
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

/// A task's wait for something that comes of a call. The first to end it wins; cancelling the task cancels the call.
///
/// The states see to it that the task is resumed once; a continuation that checks that again would cost each request an
/// object and a look at its type.
final class CallWait<Value: Sendable>: Sendable {
    private enum State {
        /// Exits: `waiting`, `over`.
        case created
        /// Exits: `over`.
        case waiting(UnsafeContinuation<Value, any Error>, UpstreamCall?)
        case over
    }

    private let state = Mutex(State.created)

    /// - Parameter begin: Called on `eventLoop`, unless the task is cancelled before.
    func value(on eventLoop: any EventLoop, _ begin: @escaping @Sendable () -> UpstreamCall) async throws -> Value {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                guard enter(continuation) else { return continuation.resume(throwing: CancellationError()) }
                let run: @Sendable () -> Void = {
                    if self.isOn { self.keep(begin()) }
                }
                if eventLoop.inEventLoop { run() } else { eventLoop.execute(run) }
            }
        } onCancel: {
            cancel()
        }
    }

    func end(with result: Result<Value, any Error>) { take()?.continuation.resume(with: result) }

    func cancel() {
        guard let taken = take() else { return }
        taken.call?.cancel()
        taken.continuation.resume(throwing: CancellationError())
    }

    private func enter(_ continuation: UnsafeContinuation<Value, any Error>) -> Bool {
        state.withLock { state in
            guard case .created = state else { return false }
            state = .waiting(continuation, nil)
            return true
        }
    }

    private var isOn: Bool { state.withLock { if case .waiting = $0 { true } else { false } } }

    /// Cancels a call that nobody waits for; no effect on one that has ended.
    private func keep(_ call: UpstreamCall) {
        let isKept = state.withLock { state in
            guard case .waiting(let continuation, _) = state else { return false }
            state = .waiting(continuation, call)
            return true
        }
        if !isKept { call.cancel() }
    }

    private func take() -> (continuation: UnsafeContinuation<Value, any Error>, call: UpstreamCall?)? {
        state.withLock { state in
            defer { state = .over }
            guard case .waiting(let continuation, let call) = state else { return nil }
            return (continuation, call)
        }
    }
}
