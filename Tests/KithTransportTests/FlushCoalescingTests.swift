// SPDX-License-Identifier: Apache-2.0

import KithTransport
import NIOCore
import NIOEmbedded
import Testing

@Suite("Coalesced flushes")
struct FlushCoalescingTests {
    /// Counts what reaches the socket, and flushes when it reads.
    private final class Counter: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        var flushes = 0

        func flush(context: ChannelHandlerContext) {
            flushes += 1
            context.flush()
        }
    }

    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            for _ in 0..<3 { context.writeAndFlush(data, promise: nil) }
        }
    }

    private func make() throws -> (EmbeddedChannel, Counter) {
        let counter = Counter()
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandlers([counter, FlushCoalescingHandler(), Answering()])
        return (channel, counter)
    }

    @Test("Flushes of one turn pass on as one at its end, and those of the next turn too")
    func turn() throws {
        let (channel, counter) = try make()
        for turn in 1...3 {
            for _ in 0..<5 { channel.writeAndFlush(ByteBuffer(string: "a"), promise: nil) }
            #expect(counter.flushes == turn - 1)
            channel.embeddedEventLoop.run()
            #expect(counter.flushes == turn)
        }
        #expect(try channel.readAllOutbound() == 15)
    }

    @Test("What is flushed during a read leaves when the read is over, without another turn")
    func read() throws {
        let (channel, counter) = try make()
        try channel.writeInbound(ByteBuffer(string: "a"))
        #expect(counter.flushes == 1)
        #expect(try channel.readAllOutbound() == 3)
        channel.embeddedEventLoop.run()
        #expect(counter.flushes == 1)
    }

    @Test("What was flushed before a close or a removal is not lost", arguments: [true, false])
    func end(closes: Bool) throws {
        let (channel, counter) = try make()
        channel.writeAndFlush(ByteBuffer(string: "a"), promise: nil)
        if closes {
            channel.close(promise: nil)
        } else {
            let context = try channel.pipeline.syncOperations.context(handlerType: FlushCoalescingHandler.self)
            channel.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
        #expect(counter.flushes == 1)
        channel.embeddedEventLoop.run()
        #expect(counter.flushes == 1)
    }

    @Test("A channel that takes no more is flushed at once")
    func unwritable() throws {
        let (channel, counter) = try make()
        channel.isWritable = false
        channel.writeAndFlush(ByteBuffer(string: "a"), promise: nil)
        #expect(counter.flushes == 1)
    }
}

extension EmbeddedChannel {
    fileprivate func readAllOutbound() throws -> Int {
        var count = 0
        while try readOutbound(as: ByteBuffer.self) != nil { count += 1 }
        return count
    }
}
