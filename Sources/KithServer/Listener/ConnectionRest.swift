// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import NIOHTTP1

/// How long a connection has been without a request, or in the middle of one that does not go on.
package struct ConnectionRest {
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
