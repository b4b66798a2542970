// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
import KithDialects
package import KithModel
import NIOCore
import ServiceLifecycle

/// Writes events as they come, until the client goes or the node stops. A client that reads too slowly misses the oldest.
package struct EventStreamWriter: Sendable {
    /// Between two signs of life.
    static let keepAlive = Duration.seconds(15)

    private enum Signal: Sendable {
        case event(NodeEvent)
        case quiet
    }

    package let events: AsyncStream<NodeEvent>
    package let clock: any TimeSource

    package init(events: AsyncStream<NodeEvent>, clock: any TimeSource) {
        self.events = events
        self.clock = clock
    }

    @concurrent
    package func write(to writer: inout any ResponseBodyWriter) async throws {
        let (signals, source) = AsyncStream.makeStream(
            of: Signal.self, bufferingPolicy: .bufferingNewest(EventHub.backlog))
        let follower = Task {
            for await event in events { source.yield(.event(event)) }
            source.finish()
        }
        let ticker = Task {
            while true {
                try await clock.sleep(for: Self.keepAlive)
                source.yield(.quiet)
            }
        }
        defer {
            follower.cancel()
            ticker.cancel()
        }
        try await withGracefulShutdownHandler {
            try await Self.write(EventLine.keepAlive, to: &writer)  // so that the client knows that it follows
            for await signal in signals { try await Self.write(Self.bytes(signal), to: &writer) }
            try await writer.finish(nil)
        } onGracefulShutdown: {
            source.finish()
        }
    }

    private static func bytes(_ signal: Signal) throws -> [UInt8] {
        switch signal {
        case .event(let event): try EventLine.bytes(event)
        case .quiet: EventLine.keepAlive
        }
    }

    @concurrent
    private static func write(_ bytes: [UInt8], to writer: inout any ResponseBodyWriter) async throws {
        try await writer.write(ByteBuffer(bytes: bytes))
    }
}
