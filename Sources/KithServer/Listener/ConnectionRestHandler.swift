// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP2

/// Ends an HTTP/2 connection that has had no stream for a while, and one whose server stops when its streams have ended.
final class ConnectionRestHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let eventLoop: any EventLoop
    private let limit: TimeAmount
    private var openStreams = 0
    private var isClosing = false
    private var timer: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    init(eventLoop: any EventLoop, limit: Duration) {
        self.eventLoop = eventLoop
        self.limit = TimeAmount(limit)
    }

    /// What tells this handler of streams. To be asked for on the event loop.
    var observer: Observer { Observer(handler: NIOLoopBound(self, eventLoop: eventLoop)) }

    struct Observer: NIOHTTP2StreamDelegate {
        fileprivate let handler: NIOLoopBound<ConnectionRestHandler>

        func streamCreated(_ id: HTTP2StreamID, channel: any Channel) { handler.value.changed(by: 1) }

        func streamClosed(_ id: HTTP2StreamID, channel: any Channel) { handler.value.changed(by: -1) }
    }

    private func changed(by difference: Int) {
        openStreams += difference
        if openStreams > 0 {
            timer?.cancel()
            timer = nil
        } else if isClosing {
            context?.close(promise: nil)
        } else {
            startTimer()
        }
    }

    private func startTimer() {
        timer?.cancel()
        timer = eventLoop.assumeIsolated().scheduleTask(in: limit) { self.goAway() }
    }

    /// Tells the client to ask no more here, and closes when the last answer is out.
    private func goAway() {
        guard let context, !isClosing else { return }
        isClosing = true
        let frame = HTTP2Frame(
            streamID: .rootStream, payload: .goAway(lastStreamID: .maxID, errorCode: .noError, opaqueData: nil))
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        if openStreams == 0 { context.close(promise: nil) }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        startTimer()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: goAway()
        // The socket stays open for answers when a client has said its last word, and here nobody waits for them.
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// What the protocol does not allow ends the connection; the protocol's handler has said so to the client.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }
}
