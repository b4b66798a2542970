// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOEmbedded
import Testing

@testable import KithServer

@Suite("A client that is watched while it is answered")
struct ClientWatchTests {
    private let limits = ConnectionLimits(idle: .seconds(60))

    private func channel() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handler: ClientWatchHandler(presence: ClientPresence(), limits: limits))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func set(isWritable: Bool, _ channel: EmbeddedChannel) {
        channel.isWritable = isWritable
        channel.pipeline.fireChannelWritabilityChanged()
    }

    @Test("One that takes nothing of its answer for a minute is left: an engine's slot waits with it")
    func takesNothing() throws {
        let channel = try channel()
        set(isWritable: false, channel)
        channel.embeddedEventLoop.advanceTime(by: .seconds(59))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test("One that takes it slowly is not")
    func takesSlowly() throws {
        let channel = try channel()
        for _ in 0..<5 {
            set(isWritable: false, channel)
            channel.embeddedEventLoop.advanceTime(by: .seconds(59))
            set(isWritable: true, channel)
        }
        channel.embeddedEventLoop.advanceTime(by: .seconds(120))
        #expect(channel.isActive)
        _ = try channel.finish()
    }
}
