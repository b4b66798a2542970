// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithTransport
package import NIOCore
import Synchronization

/// Receives an answer by calls on an event loop; ``ended(_:)`` comes last and once.
package protocol ChatEventReceiver: AnyObject {
    func received(_ event: ChatEvent)
    /// All that arrived in one read has been passed on: the moment to send what was made of it.
    func readEnded()
    /// - Parameter failure: `nil` after an event that ends a whole answer.
    func ended(_ failure: (any Error)?)
}

extension EngineStream.Reader {
    /// Calls `receiver` from now on, on `eventLoop`, where this must be called too. What has been read and not passed
    /// on comes first.
    ///
    /// - Returns: A value that slows the reading down, or ends it.
    package func flow(on eventLoop: any EventLoop, to receiver: any ChatEventReceiver) -> EngineFlow {
        let flow = EngineFlow(reader: self, eventLoop: eventLoop, receiver: receiver)
        flow.begin()
        return flow
    }
}

/// An answer that is passed on by calls. Bound to its event loop.
///
/// Ends the generation when it is cancelled or its receiver drops it.
package final class EngineFlow {
    private let reader: EngineStream.Reader
    private let eventLoop: any EventLoop
    private var receiver: (any ChatEventReceiver)?
    private var decoder: (any EngineStreamDecoding)?
    private var call: UpstreamCall?
    private var events: [ChatEvent] = []
    private var stallLimit: Duration?
    private var pump: Task<Void, Never>?
    private var gate: PumpGate?

    fileprivate init(reader: EngineStream.Reader, eventLoop: any EventLoop, receiver: any ChatEventReceiver) {
        self.reader = reader
        self.eventLoop = eventLoop
        self.receiver = receiver
    }

    deinit {
        pump?.cancel()
        // A call retains its handler while it runs: nothing is dropped while something may still come.
    }

    fileprivate func begin() {
        guard let (body, decoder) = reader.takeBody() else { return pumpEvents() }
        self.decoder = decoder
        stallLimit = reader.takeStallLimit()
        do {
            while let event = try reader.takePending() { tell(event) }
        } catch {
            return end(error)
        }
        guard receiver != nil else { return }
        receiver?.readEnded()
        call = body.flow(to: self, on: eventLoop)
    }

    package func holdReads() {
        call?.holdReads()
        gate?.close()
    }

    package func resumeReads() {
        call?.resumeReads()
        gate?.open()
    }

    /// Ends the generation; nothing more is passed on. Has no effect on an answer that has ended, whose connection can
    /// serve the next request.
    package func cancel() {
        guard receiver != nil else { return }
        receiver = nil
        call?.cancel()
        call = nil
        pump?.cancel()
        gate?.open()
        letGo()
    }

    /// A reader that a task reads is released by that task.
    private func letGo(_ error: (any Error)? = nil) { if pump == nil { reader.letGo(error) } }

    private func tell(_ event: ChatEvent) {
        guard let receiver else { return }
        if stallLimit != nil, event.hasContent, let limit = stallLimit.take() { call?.limitStalls(to: limit) }
        receiver.received(event)
        if event.isEnd { finish() }
    }

    /// The answer is whole; how the connection ends does not matter, only that it does.
    private func finish() {
        let receiver = receiver.take()
        letGo()
        call?.limitStalls(to: .seconds(2))
        receiver?.ended(nil)
    }

    private func end(_ failure: any Error) {
        let receiver = receiver.take()
        letGo(failure)
        call?.cancel()
        call = nil
        receiver?.ended(failure)
    }

    // MARK: Streams without calls

    private func pumpEvents() {
        let gate = PumpGate()
        self.gate = gate
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        pump = Task { [reader, eventLoop] in
            defer { reader.letGo() }
            do {
                while !Task.isCancelled, let event = try await reader.next() {
                    await gate.pass()
                    eventLoop.execute { bound.value.pumped(event) }
                }
                eventLoop.execute { bound.value.end(EngineStream.cutOff) }
            } catch {
                eventLoop.execute { bound.value.end(error) }
            }
        }
    }

    private func pumped(_ event: ChatEvent) {
        tell(event)
        receiver?.readEnded()
    }
}

extension EngineFlow: UpstreamResponseHandler {
    package func received(_ head: UpstreamHead) {}

    package func received(_ piece: ByteBuffer) {
        guard receiver != nil else { return }
        do {
            try decoder?.feed(piece, into: &events)
        } catch {
            tellAll()
            return end(error)
        }
        tellAll()
    }

    private func tellAll() {
        // Taken out, since it must not change during the iteration, and put back to reuse its memory.
        var told: [ChatEvent] = []
        swap(&told, &events)
        do {
            for event in told where receiver != nil { tell(try reader.pass(event)) }
        } catch {
            end(error)
        }
        told.removeAll(keepingCapacity: true)
        if events.isEmpty { events = told }
    }

    package func readEnded() { receiver?.readEnded() }

    package func ended(_ failure: ChatError?) {
        call = nil
        guard receiver != nil else { return }
        if let failure { return end(failure) }
        do {
            events = try decoder?.end() ?? []
        } catch {
            return end(error)
        }
        tellAll()
        receiver?.readEnded()
        if receiver != nil { end(EngineStream.cutOff) }
    }
}

/// Holds back a task that passes events on while their receiver is slow.
private final class PumpGate: Sendable {
    private struct State {
        var isClosed = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func close() { state.withLock { $0.isClosed = true } }

    func open() {
        let waiter = state.withLock { state in
            state.isClosed = false
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// Returns at once unless the gate is closed.
    func pass() async {
        await withCheckedContinuation { continuation in
            let passes = state.withLock { state in
                if state.isClosed { state.waiter = continuation }
                return !state.isClosed
            }
            if passes { continuation.resume() }
        }
    }
}
