// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Something that happened in a node and that people or programs may want to follow.
package struct NodeEvent: Hashable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// A level was declared or removed, here or at a kin.
        case level
        /// A key of the context was written or removed, here or at a kin.
        case context
        /// The bridge went from one mode to another.
        case bridge
        /// A request was answered, or failed: where it went and why, without its content.
        case route
        /// An insight was learned, decided about or forgotten, here or at a kin.
        case insight
    }

    package var kind: Kind
    package var at: WallTime
    package var fields: JSONObject

    package init(_ kind: Kind, at: WallTime = .now(), _ fields: JSONObject) {
        self.kind = kind
        self.at = at
        self.fields = fields
    }
}

/// Passes events on to their followers. Publishing never waits: a follower that is too slow misses the oldest.
package final class EventHub: Sendable {
    /// Events that wait for one follower.
    package static let backlog = 1_024
    /// More are turned away.
    package static let followerLimit = 256

    private struct Follower {
        var kinds: Set<NodeEvent.Kind>
        var stream: AsyncStream<NodeEvent>.Continuation
    }

    private struct State {
        var followers: [UInt64: Follower] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func publish(_ event: NodeEvent) {
        let followers = state.withLock { Array($0.followers.values) }
        for follower in followers where follower.kinds.contains(event.kind) { follower.stream.yield(event) }
    }

    /// Whether anybody follows events of this kind; for events that are costly to make.
    package func hasFollowers(of kind: NodeEvent.Kind) -> Bool {
        state.withLock { state in
            !state.followers.isEmpty && state.followers.values.contains { $0.kinds.contains(kind) }
        }
    }

    /// - Returns: The events from now on; `nil` when there are too many followers.
    package func follow(_ kinds: Set<NodeEvent.Kind> = Set(NodeEvent.Kind.allCases)) -> AsyncStream<NodeEvent>? {
        let (stream, continuation) = AsyncStream.makeStream(
            of: NodeEvent.self, bufferingPolicy: .bufferingNewest(Self.backlog))
        let number = state.withLock { state -> UInt64? in
            guard state.followers.count < Self.followerLimit else { return nil }
            defer { state.next &+= 1 }
            state.followers[state.next] = Follower(kinds: kinds, stream: continuation)
            return state.next
        }
        guard let number else { return nil }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.followers.removeValue(forKey: number) }
        }
        return stream
    }

    /// Ends all following, so that a node can stop.
    package func finish() {
        for follower in state.withLock({ Array($0.followers.values) }) { follower.stream.finish() }
    }
}
