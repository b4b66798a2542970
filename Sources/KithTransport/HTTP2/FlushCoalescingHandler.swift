// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Passes the flushes of one turn of the event loop on as one, so that the frames of many streams leave in one write.
///
/// What was flushed while a read is handled leaves when the read is over; else at the end of the turn. Nothing waits
/// longer. Placed between the handler that encrypts and the one that frames.
package final class FlushCoalescingHandler: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = NIOAny
    package typealias OutboundIn = NIOAny

    private var isReading = false
    private var isPending = false
    private var isScheduled = false
    private var context: ChannelHandlerContext?

    package init() {}

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    package func handlerRemoved(context: ChannelHandlerContext) {
        pass(context)
        self.context = nil
    }

    package func flush(context: ChannelHandlerContext) {
        isPending = true
        // A caller that waits until the channel is writable must not wait for a turn that may bring more.
        guard context.channel.isWritable else { return pass(context) }
        guard !isReading, !isScheduled else { return }
        isScheduled = true
        context.eventLoop.assumeIsolated().execute { [self] in
            isScheduled = false
            if let current = self.context { pass(current) }
        }
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        context.fireChannelRead(data)
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        isReading = false
        pass(context)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        isReading = false
        isPending = false
        context.fireChannelInactive()
    }

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        pass(context)
        context.close(mode: mode, promise: promise)
    }

    private func pass(_ context: ChannelHandlerContext) {
        guard isPending else { return }
        isPending = false
        context.flush()
    }
}
