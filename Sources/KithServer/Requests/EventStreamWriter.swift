// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
import KithDialects
package import KithModel
import NIOCore
import ServiceLifecycle

/// Writes events as they come, until the client goes or the node stops.
package struct EventStreamWriter: Sendable {
    /// Between two signs of life, for a client that does not say how often it wants one.
    package static let keepAlive = Duration.seconds(15)

    private enum Signal: Sendable {
        case news
        case quiet
    }

    package let events: EventFollower
    package let clock: any TimeSource
    /// Between two signs of life.
    package let keepAlive: Duration
    /// Asked with each sign of life; the stream ends when the follower may not follow any more.
    private let mayStill: @Sendable () -> Bool

    package init(
        events: EventFollower, clock: any TimeSource, keepAlive: Duration = Self.keepAlive,
        mayStill: @escaping @Sendable () -> Bool = { true }
    ) {
        self.mayStill = mayStill
        self.events = events
        self.clock = clock
        self.keepAlive = keepAlive
    }

    @concurrent
    package func write(to writer: inout any ResponseBodyWriter) async throws {
        let (signals, source) = AsyncStream.makeStream(of: Signal.self, bufferingPolicy: .bufferingNewest(1))
        let follower = Task {
            for await _ in events.news { source.yield(.news) }
            source.finish()
        }
        let ticker = Task {
            while true {
                try await clock.sleep(for: keepAlive)
                source.yield(.quiet)
            }
        }
        defer {
            follower.cancel()
            ticker.cancel()
        }
        try await withGracefulShutdownHandler {
            // At once, so that the client knows that it follows, and from where on.
            try await Self.write(EventLine.begin(events.position), to: &writer)
            for await signal in signals {
                if signal == .quiet, !mayStill() { return try await writer.finish(nil) }
                if try await !writeNews(to: &writer), signal == .quiet {
                    try await Self.write(EventLine.keepAlive, to: &writer)
                }
            }
            _ = try await writeNews(to: &writer)
            try await writer.finish(nil)
        } onGracefulShutdown: {
            source.finish()
        }
    }

    /// - Returns: Whether there was any.
    @concurrent
    private func writeNews(to writer: inout any ResponseBodyWriter) async throws -> Bool {
        var isNews = false
        while case let taken = events.take(), !taken.isEmpty {
            isNews = true
            try await Self.write(try taken.flatMap(EventLine.bytes), to: &writer)
        }
        return isNews
    }

    @concurrent
    private static func write(_ bytes: [UInt8], to writer: inout any ResponseBodyWriter) async throws {
        try await writer.write(ByteBuffer(bytes: bytes))
    }
}

extension NodeRequestContext {
    /// Asks whether the caller of a request that was let in would be let in now.
    package func mayStill(_ scope: Scope, _ request: Request, _ access: AccessControl) -> @Sendable () -> Bool {
        { [head = request.head, source = arrival ?? RequestSource(address: nil)] in
            access.mayStill(scope, head, from: source)
        }
    }

    /// Whose places a follower of events takes.
    package var eventParty: EventParty {
        switch caller {
        case .success(.control): .owner
        case .success(.key(let key)): .key(key.id)
        case .success(.local), .failure: .keyless
        }
    }
}
