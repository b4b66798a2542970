// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import NIOHTTP1

/// What a connection from a client may cost.
package struct ConnectionLimits: Sendable {
    /// Connections held at once; more wait in the kernel's backlog.
    package var connections: Int
    /// Without a request, or in the middle of a head.
    package var idle: Duration
    /// From the first piece of a body on, at least ``bodyBytes`` of it must arrive in each such time.
    package var body: Duration
    package var bodyBytes: Int
    /// From the first piece of a body to its end.
    package var wholeBody: Duration
    /// From the connection to the end of the TLS handshake.
    package var handshake: Duration
    /// Bytes of all header fields together.
    package var headerBytes: Int
    package var headerCount: Int
    /// Requests at once on one HTTP/2 connection.
    package var streams: Int

    package init(
        connections: Int = 4096, idle: Duration = .seconds(60), body: Duration = .seconds(30),
        bodyBytes: Int = 1 << 10, wholeBody: Duration = .seconds(600), handshake: Duration = .seconds(10),
        headerBytes: Int = 64 << 10, headerCount: Int = 100, streams: Int = 128
    ) {
        self.connections = connections
        self.idle = idle
        self.body = body
        self.bodyBytes = bodyBytes
        self.wholeBody = wholeBody
        self.handshake = handshake
        self.headerBytes = headerBytes
        self.headerCount = headerCount
        self.streams = streams
    }
}

/// How long a connection has been without a request, or in the middle of one that makes no progress.
package struct IdleTimeout {
    private let limit: TimeAmount
    private var lastActive: NIODeadline
    /// Requests read to their end whose answers are not out yet.
    private var unanswered = 0
    private var isInRequest = false
    package private(set) var nextCheck: NIODeadline

    package init(limit: TimeAmount, now: NIODeadline) {
        self.limit = limit
        lastActive = now
        nextCheck = now + limit
    }

    package mutating func wasActive(now: NIODeadline) { lastActive = now }

    package mutating func received(_ part: HTTPServerRequestPart) {
        switch part {
        case .head: isInRequest = true
        case .body: break
        case .end:
            isInRequest = false
            unanswered += 1
        }
    }

    package mutating func answered(now: NIODeadline) {
        lastActive = now
        unanswered -= 1
    }

    /// Sets the next check when it is not over.
    package mutating func isOver(now: NIODeadline) -> Bool {
        let waits = unanswered > 0 && !isInRequest
        if !waits, now - lastActive >= limit { return true }
        nextCheck = (waits ? now : lastActive) + limit
        return false
    }
}

/// Whether an upload makes progress. A body that keeps coming may take long; one that hardly moves, or never ends, is
/// given up.
package struct UploadPace {
    package struct Limits: Sendable {
        /// At least ``bytes`` must arrive in each such time.
        var window: TimeAmount
        var bytes: Int
        /// From its first piece to its end.
        var whole: TimeAmount
    }

    private let limits: Limits
    private let end: NIODeadline
    private var bytes = 0
    /// When to ask next whether the body is overdue.
    package private(set) var nextCheck: NIODeadline

    /// The first piece has come, and more is to follow.
    package init(limits: Limits, now: NIODeadline) {
        self.limits = limits
        end = now + limits.whole
        nextCheck = min(now + limits.window, end)
    }

    /// A piece of the body has come.
    package mutating func piece(_ count: Int) {
        bytes = min(limits.bytes, bytes + min(max(count, 0), limits.bytes))
    }

    /// Nothing was read meanwhile, so that the client could not send: the time restarts.
    mutating func paused(now: NIODeadline) {
        bytes = 0
        nextCheck = min(now + limits.window, end)
    }

    /// Whether too little has come, or the whole takes too long. Sets the next check when neither is so.
    package mutating func isOverdue(now: NIODeadline) -> Bool {
        if now >= end { return true }
        guard now >= nextCheck else { return false }
        if bytes < limits.bytes { return true }
        paused(now: now)
        return false
    }
}

extension UploadPace.Limits {
    package init(_ limits: ConnectionLimits) {
        self.init(
            window: TimeAmount(limits.body), bytes: limits.bodyBytes, whole: TimeAmount(limits.wholeBody))
    }
}
