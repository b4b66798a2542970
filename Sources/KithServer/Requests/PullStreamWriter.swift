// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
package import KithDialects
package import KithModel
import NIOCore
import ServiceLifecycle

/// Writes how a pull stands, until it has ended, the reader goes, or the node stops. The pull does not depend on it.
package struct PullStreamWriter: Sendable {
    private static let keepAlive = Duration.seconds(5)
    /// An engine tells more often than anybody can read.
    private static let pause = Duration.milliseconds(100)
    private static let backlog = 8

    private let pull: AsyncStream<ModelMessage.Pull>
    private let clock: any TimeSource
    /// Asked with each sign of life; the stream ends when the reader may not read any more.
    private let mayStill: @Sendable () -> Bool

    package init(
        pull: AsyncStream<ModelMessage.Pull>, clock: any TimeSource, mayStill: @escaping @Sendable () -> Bool
    ) {
        self.pull = pull
        self.clock = clock
        self.mayStill = mayStill
    }

    @concurrent
    package func write(to writer: inout any ResponseBodyWriter) async throws {
        // What is given up first is the oldest: how the pull ended is the last.
        let (pieces, source) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .bufferingNewest(Self.backlog))
        let follower = Task {
            for await state in pull {
                source.yield(try state.event())
                if state.state == .running { try await clock.sleep(for: Self.pause) }
            }
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
            for await piece in pieces { try await writer.write(ByteBuffer(bytes: piece)) }
            try await writer.finish(nil)
        } onGracefulShutdown: {
            source.finish()
        }
    }
}
