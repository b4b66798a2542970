// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
package import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// An HTTP/1.1 connection whose work is cancelled when its client goes.
package struct NodeChannel: ServerChildChannel {
    /// Makes the handler that sees each request of a connection before the framework, and closes idle connections.
    ///
    /// - Parameter wantsFramework: To be called when there is a request for the framework.
    package typealias EarlyHandler =
        @Sendable (
            _ executor: EventLoopExecutor, _ limits: ConnectionLimits,
            _ wantsFramework: @escaping @Sendable () -> Void
        ) -> any RemovableChannelHandler & ChannelDuplexHandler

    let responder: HTTPChannelHandler.Responder
    let limits: ConnectionLimits
    /// The dialect in which clients are told that what they sent is not HTTP.
    let errors: ErrorDialect
    /// Makes the handler that answers some requests before the framework; only the node role has one.
    let early: EarlyHandler?
    /// Whether TLS comes first.
    var isSecure = false

    /// A connection keeps the memory that it received into: room for a short request, growing where more comes at once.
    private static let receiving = AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 512, maximum: 64 << 10)

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<AcceptedChannel> {
        channel.eventLoop.makeCompletedFuture {
            let accepted = AcceptedChannel(channel, waits: early != nil)
            try channel.syncOptions?.setOption(.recvAllocator, value: Self.receiving)
            var decoderLimits = NIOHTTPDecoderLimitConfiguration()
            decoderLimits.maxHeaderFieldSize = limits.headerBytes / 4
            decoderLimits.maxHeaderListSize = limits.headerBytes
            decoderLimits.maxHeaderFieldCount = limits.headerCount
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoderLimits)
            if let early { try pipeline.addHandler(early(accepted.executor, limits, accepted.isWanted)) }
            try pipeline.addHandler(HTTP1EdgeHandler(dialect: errors))
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: isSecure))
            try pipeline.addHandler(ClientWatchHandler(presence: accepted.presence, limits: limits))
            // It does not pass `channelInactive` on; later handlers notice the end when they are removed. The early
            // handler sees more requests and looks for idle connections itself.
            let idle = early == nil ? limits.idle : nil
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: idle, logger: logger))
            if early == nil { try accepted.holdReads() }
            return accepted
        }
    }

    func handle(value: AcceptedChannel, logger: Logger) async {
        await value.serve(responder: responder, logger: logger)
    }
}

/// Makes a connection do what ``HTTP1Exchanges`` says, for all requests that the framework gets.
///
/// A connection that ends is closed for writing first and a moment later completely: closing it while the client still
/// sends could lose the answer.
final class HTTP1EdgeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Time for a client to read the last answer and close.
    private static let farewell = TimeAmount.seconds(2)

    private let dialect: ErrorDialect
    private var exchanges = HTTP1Exchanges()
    private var closing: Scheduled<Void>?

    /// - Parameter dialect: The dialect in which clients are told that what they sent is not HTTP: there is no path to
    ///   tell it by.
    init(dialect: ErrorDialect) { self.dialect = dialect }

    func handlerRemoved(context: ChannelHandlerContext) { closing?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        let reception: HTTP1Exchanges.Reception
        switch part {
        case .head(var head):
            reception = exchanges.received(&head)
            part = .head(head)
        case .body: reception = exchanges.receivedBody()
        case .end: reception = exchanges.receivedEnd()
        }
        switch reception {
        case .handOn: context.fireChannelRead(wrapInboundOut(part))
        case .drop: break
        case .refuse(let refusal): say(refusal, context: context)
        case .close: close(context: context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if exchanges.isOver { return }  // bytes that come while the connection ends
        guard let broken = error as? HTTPParserError else { return context.fireErrorCaught(error) }
        switch exchanges.failed(broken) {
        case .handOn: context.fireErrorCaught(error)
        case .drop: break
        case .refuse(let refusal): say(refusal, context: context)
        case .close: close(context: context)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            let isInterim = (100..<200).contains(head.status.code)
            if exchanges.answers(&head) {
                context.write(wrapOutboundOut(.head(head)), promise: promise)
            } else if isInterim {
                promise?.succeed()
            } else {
                promise?.fail(ChannelError.ioOnClosedChannel)
            }
        case .body where !exchanges.mayWrite, .end where !exchanges.mayWrite:
            promise?.fail(ChannelError.ioOnClosedChannel)
        case .body: context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
            switch exchanges.answered() {
            case .goOn: break
            case .close: close(context: context)
            case .refuse(let refusal): say(refusal, context: context)
            }
        }
    }

    private func say(_ refusal: HTTP1Refusal, context: ChannelHandlerContext) {
        if let reply = try? SurfaceError(refusal).reply(in: dialect) {  // encoding these few strings cannot fail
            var headers = HTTPHeaders(reply.response.headers.map { ($0.name.rawName, $0.value) })
            for field in ResponseSecurity.fields { headers.add(name: field.name.rawName, value: field.value) }
            headers.replaceOrAdd(name: "connection", value: "close")
            let head = HTTPResponseHead(version: .http1_1, status: refusal.status, headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(reply.body))), promise: nil)
            context.write(wrapOutboundOut(.end(nil)), promise: nil)
        }
        close(context: context)
    }

    private func close(context: ChannelHandlerContext) {
        context.flush()
        let closed = context.eventLoop.makePromise(of: Void.self)
        closed.futureResult.assumeIsolated().whenFailure { _ in context.close(promise: nil) }
        context.close(mode: .output, promise: closed)
        closing = context.eventLoop.assumeIsolated().scheduleTask(in: Self.farewell) { context.close(promise: nil) }
    }
}
