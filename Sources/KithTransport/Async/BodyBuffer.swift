// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import Synchronization

/// The pieces of an answer that have arrived and have not been taken, between the event loop that brings them and the
/// task that reads them. One reader; nothing traps, in whatever order the two come, end and go.
final class BodyBuffer: UpstreamResponseHandler, Sendable {
    /// Reading stops at so many bytes or pieces, and goes on at a quarter of both.
    private static let byteLimit = 256 << 10
    private static let pieceLimit = 32

    typealias Reader = CheckedContinuation<ByteBuffer?, any Error>

    private struct State {
        var exchange: NIOLoopBoundBox<UpstreamExchange>?
        var pieces = CircularBuffer<ByteBuffer>()
        var bytes = 0
        var isHeld = false
        var isEnded = false
        /// Thrown once; after that the sequence is over.
        var failure: ChatError?
        var reader: Reader?
        /// The reader has gone: nothing is kept any more.
        var isLeft = false
        /// A handler takes the rest.
        var isHandedOver = false
    }

    private enum Taken {
        case piece(ByteBuffer, resume: Bool)
        case end
        case failure(any Error)
        case nothingYet
    }

    private let head: CallWait<UpstreamResponse>
    private let state = Mutex(State())

    /// - Parameter run: Begins an exchange; called on `eventLoop`.
    static func stream(
        _ request: UpstreamRequest, on eventLoop: any EventLoop, _ run: @escaping @Sendable (UpstreamExchange) -> Void
    ) async throws -> UpstreamResponse {
        let head = CallWait<UpstreamResponse>()
        return try await head.value(on: eventLoop) {
            let buffer = BodyBuffer(head)
            let exchange = UpstreamExchange(request, handler: buffer, eventLoop: eventLoop)
            exchange.whenCancelled = {
                head.cancel()
                buffer.leave()
            }
            let bound = NIOLoopBoundBox(exchange, eventLoop: eventLoop)
            buffer.state.withLock { $0.exchange = bound }
            run(exchange)
            exchange.hasBegun()
            return UpstreamCall(exchange)
        }
    }

    private init(_ head: CallWait<UpstreamResponse>) { self.head = head }

    // MARK: From the event loop

    func received(_ head: UpstreamHead) {
        guard let exchange = state.withLock({ $0.exchange }) else { return }
        let body = UpstreamBody(buffer: self, call: UpstreamCall(exchange))
        self.head.end(with: .success(UpstreamResponse(status: head.status, headers: head.headers, body: body)))
    }

    func received(_ piece: ByteBuffer) {
        let (reader, isFull) = state.withLock { state -> (Reader?, NIOLoopBoundBox<UpstreamExchange>?) in
            guard !state.isLeft else { return (nil, nil) }
            if let reader = state.reader.take() { return (reader, nil) }
            state.pieces.append(piece)
            state.bytes += piece.readableBytes
            guard !state.isHeld, state.bytes >= Self.byteLimit || state.pieces.count >= Self.pieceLimit else {
                return (nil, nil)
            }
            state.isHeld = true
            return (nil, state.exchange)
        }
        reader?.resume(returning: piece)
        isFull?.value.holdReads()
    }

    func readEnded() {}

    func ended(_ failure: ChatError?) {
        let reader = state.withLock { state in
            state.isEnded = true
            defer { state.reader = nil }
            if state.reader == nil { state.failure = failure }
            return state.reader
        }
        if let failure {
            head.end(with: .failure(failure))
            reader?.resume(throwing: failure)
        } else {
            reader?.resume(returning: nil)
        }
    }

    // MARK: From the reader

    func next(isolation actor: isolated (any Actor)?) async throws -> ByteBuffer? {
        switch take() {
        case .piece(let piece, let resume):
            if resume { resumeReads() }
            return piece
        case .end: return nil
        case .failure(let failure): throw failure
        case .nothingYet: break
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation(isolation: actor) { wait($0) }
        } onCancel: {
            leave()
        }
    }

    private func wait(_ reader: Reader) {
        switch take(for: reader) {
        case .piece(let piece, let resume):
            if resume { resumeReads() }
            reader.resume(returning: piece)
        case .end: reader.resume(returning: nil)
        case .failure(let failure): reader.resume(throwing: failure)
        case .nothingYet: break
        }
    }

    /// - Parameter reader: Notified when something comes, if nothing is buffered yet.
    private func take(for reader: Reader? = nil) -> Taken {
        state.withLock { state in
            if state.isLeft { return .failure(CancellationError()) }
            if state.isHandedOver { return .end }
            if let piece = state.pieces.popFirst() {
                state.bytes -= piece.readableBytes
                let resumes =
                    state.isHeld && state.bytes <= Self.byteLimit / 4 && state.pieces.count <= Self.pieceLimit / 4
                if resumes { state.isHeld = false }
                return .piece(piece, resume: resumes)
            }
            if state.isEnded { return state.failure.take().map(Taken.failure) ?? .end }
            guard let reader else { return .nothingYet }
            guard state.reader == nil else {
                return .failure(ChatError(.interrupted, "an answer was read twice at once"))
            }
            state.reader = reader
            return .nothingYet
        }
    }

    private func resumeReads() {
        guard let exchange = state.withLock({ $0.exchange }) else { return }
        if exchange.eventLoop.inEventLoop {
            exchange.value.resumeReads()
        } else {
            exchange.eventLoop.execute { exchange.value.resumeReads() }
        }
    }

    /// The reader will take no more: it was dropped, or its task cancelled.
    func leave() {
        let (reader, exchange) = state.withLock { state -> (Reader?, NIOLoopBoundBox<UpstreamExchange>?) in
            guard !state.isLeft, !state.isHandedOver else { return (nil, nil) }
            state.isLeft = true
            state.pieces = []
            state.bytes = 0
            defer { state.reader = nil }
            return (state.reader, state.isEnded ? nil : state.exchange)
        }
        reader?.resume(throwing: CancellationError())
        guard let exchange else { return }
        if exchange.eventLoop.inEventLoop {
            exchange.value.cancel()
        } else {
            exchange.eventLoop.execute { exchange.value.cancel() }
        }
    }

    // MARK: To a handler

    /// Gives a handler what is buffered, then all that follows. Must be called on `eventLoop`, once, by the holder of the
    /// body.
    ///
    /// - Returns: The call that is silent on `eventLoop` as soon as it is cancelled there.
    func flow(to handler: any UpstreamResponseHandler, on eventLoop: any EventLoop) -> UpstreamCall? {
        let (exchange, reader) = state.withLock { state -> (NIOLoopBoundBox<UpstreamExchange>?, Reader?) in
            guard !state.isLeft, !state.isHandedOver else { return (nil, nil) }
            state.isHandedOver = true
            defer { state.reader = nil }
            return (state.exchange, state.reader)
        }
        reader?.resume(returning: nil)
        guard let exchange else { return nil }
        let source = exchange.eventLoop
        if source === eventLoop {
            let target = NIOLoopBound(handler, eventLoop: eventLoop)
            source.execute { self.handOver(exchange.value, to: target.value) }
            return UpstreamCall(exchange)
        }
        let relay = UpstreamRelay(to: handler, on: eventLoop, from: source)
        source.execute {
            relay.relays(exchange.value)
            self.handOver(exchange.value, to: relay)
        }
        return UpstreamCall(exchange, relay: relay)
    }

    private func handOver(_ exchange: UpstreamExchange, to handler: any UpstreamResponseHandler) {
        exchange.whenCancelled = nil
        exchange.resumeReads()
        var hasTold = false
        // The handler may cancel the call, and what it does may bring more pieces.
        while !exchange.isCancelled {
            let next = state.withLock { state -> Taken in
                if let piece = state.pieces.popFirst() { return .piece(piece, resume: false) }
                guard state.isEnded else { return .nothingYet }
                return state.failure.take().map(Taken.failure) ?? .end
            }
            switch next {
            case .piece(let piece, _):
                handler.received(piece)
                hasTold = true
            case .end: return handler.ended(nil)
            case .failure(let failure): return handler.ended(failure as? ChatError)
            case .nothingYet:
                exchange.handler = handler
                if hasTold { handler.readEnded() }
                return
            }
        }
    }
}
