// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
import KithDialects
package import KithModel
import NIOCore
import ServiceLifecycle

/// Writes log lines as they come, until the reader goes or the node stops.
package struct LogStreamWriter: Sendable {
    private static let keepAlive = Duration.seconds(15)

    private let lines: AsyncStream<LogLine>
    private let clock: any TimeSource
    /// Asked with each sign of life; the stream ends when the reader may not read any more.
    private let mayStill: @Sendable () -> Bool

    package init(
        lines: AsyncStream<LogLine>, clock: any TimeSource, mayStill: @escaping @Sendable () -> Bool = { true }
    ) {
        self.mayStill = mayStill
        self.lines = lines
        self.clock = clock
    }

    @concurrent
    package func write(to writer: inout any ResponseBodyWriter) async throws {
        let (pieces, source) = AsyncStream.makeStream(
            of: [UInt8].self, bufferingPolicy: .bufferingNewest(LogRing.backlog))
        let follower = Task {
            for await line in lines { source.yield(try LogMessage.Line(line).event()) }
            source.finish()
        }
        let ticker = Task {
            while true {
                try await clock.sleep(for: Self.keepAlive)
                guard mayStill() else { return source.finish() }
                source.yield(EventLine.keepAlive)
            }
        }
        defer {
            follower.cancel()
            ticker.cancel()
        }
        try await withGracefulShutdownHandler {
            try await writer.write(ByteBuffer(bytes: EventLine.keepAlive))  // so that the reader knows that it follows
            for await piece in pieces { try await writer.write(ByteBuffer(bytes: piece)) }
            try await writer.finish(nil)
        } onGracefulShutdown: {
            source.finish()
        }
    }
}
