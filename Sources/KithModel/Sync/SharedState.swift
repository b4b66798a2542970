// SPDX-License-Identifier: Apache-2.0

/// The state that all kin share: levels, and what the user is working on.
///
/// Reading is from memory and never waits; safe from any task.
package protocol SharedState: Sendable {
    /// Makes the changes, all of them or none, in this order, and returns when they are on disk; kin are told then.
    ///
    /// - Parameter delivery: A write with a key that was given before changes nothing.
    /// - Returns: Whether anything was written: `false` for a repeated delivery.
    @discardableResult
    func write(_ changes: [StateChange], delivery: DeliveryKey?) async throws(StateRefusal) -> Bool
    /// `nil` when the source has declared none.
    func level(of source: StateSource) -> LevelEntry?
    /// By source.
    func levels() -> [LevelEntry]
    /// By key.
    func context() -> [ContextEntry]
    /// `nil` when nothing is known under the key.
    func context(of key: String) -> ContextEntry?
    func report() -> SyncReport
}

extension SharedState {
    package func write(_ changes: [StateChange]) async throws(StateRefusal) { try await write(changes, delivery: nil) }
}

/// A level that somebody declared.
package struct LevelEntry: Hashable, Sendable {
    package var source: StateSource
    /// 0…10.
    package var level: Double
    package var writtenAt: WallTime
    /// The node at which it was declared.
    package var writtenBy: NodeID

    package init(source: StateSource, level: Double, writtenAt: WallTime, writtenBy: NodeID) {
        self.source = source
        self.level = level
        self.writtenAt = writtenAt
        self.writtenBy = writtenBy
    }
}

/// One key of what the user is working on.
package struct ContextEntry: Hashable, Sendable {
    package struct Value: Hashable, Sendable {
        package var value: JSONValue
        package var source: StateSource
        package var writtenAt: WallTime
        package var writtenBy: NodeID

        package init(value: JSONValue, source: StateSource, writtenAt: WallTime, writtenBy: NodeID) {
            self.value = value
            self.source = source
            self.writtenAt = writtenAt
            self.writtenBy = writtenBy
        }
    }

    package var key: String
    /// One, or several that were written without knowledge of each other; the latest first.
    package var values: [Value]

    package init(key: String, values: [Value]) {
        self.key = key
        self.values = values
    }

    /// Whether somebody has to choose.
    package var isConflict: Bool { values.count > 1 }
}

/// How far this node and its kin agree, as far as this node knows.
package struct SyncReport: Hashable, Sendable {
    package struct Kin: Hashable, Sendable {
        package var id: NodeID
        /// `nil` until it has said what it knows.
        package var versions: VersionVector?
        /// Operations that this node knows and the other did not when it was heard last.
        package var behind: UInt64
        /// Operations that the other knew and this node does not.
        package var ahead: UInt64
        /// How long this node has known the oldest operation that the other lacks; zero when it lacks none, `nil` while it is
        /// not known what it knows.
        package var lag: Duration?
        /// When both exchanged what they know.
        package var exchangedAt: WallTime?
        /// Since when it cannot be reached; `nil` when it can.
        package var unreachableSince: WallTime?
        /// What went wrong last.
        package var problem: String?

        package init(
            id: NodeID, versions: VersionVector?, behind: UInt64, ahead: UInt64, lag: Duration? = nil,
            exchangedAt: WallTime?, unreachableSince: WallTime?, problem: String?
        ) {
            self.id = id
            self.versions = versions
            self.behind = behind
            self.ahead = ahead
            self.lag = lag
            self.exchangedAt = exchangedAt
            self.unreachableSince = unreachableSince
            self.problem = problem
        }
    }

    package var versions: VersionVector
    /// Operations that are kept.
    package var operations: Int
    /// Operations of clocks that run ahead, which wait for their time.
    package var quarantined: Int
    package var kin: [Kin]

    package init(versions: VersionVector, operations: Int, quarantined: Int, kin: [Kin]) {
        self.versions = versions
        self.operations = operations
        self.quarantined = quarantined
        self.kin = kin
    }
}

/// One thing to be changed in the state that kin share.
package struct StateChange: Hashable, Sendable {
    package var register: RegisterKey
    /// Who says it.
    package var source: StateSource
    /// `nil` removes the value.
    package var value: JSONValue?

    package init(_ register: RegisterKey, by source: StateSource, value: JSONValue?) {
        self.register = register
        self.source = source
        self.value = value
    }

    package static func level(_ level: Double?, of source: StateSource) -> StateChange {
        StateChange(.level(source), by: source, value: level.map { .number($0) })
    }

    package static func context(_ key: String, _ value: JSONValue?, by source: StateSource) -> StateChange {
        StateChange(.context(key), by: source, value: value)
    }
}

/// Names a write that may arrive more than once, so that it counts once.
package struct DeliveryKey: Hashable, Sendable {
    package let text: String

    /// - Returns: `nil` unless there are from 1 to 128 bytes without control characters.
    package init?(_ text: String) {
        guard StateText.isName(text, limit: 128) else { return nil }
        self.text = text
    }
}

/// Why the shared state was not changed.
package struct StateRefusal: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The change breaks a rule; the message says which.
        case invalid
        /// The state is as large as it may be.
        case limitReached = "limit_reached"
        case diskFull = "disk_full"
        /// The disk cannot be written or read.
        case unavailable
        /// The node stops.
        case closed
    }

    package var code: Code
    /// One sentence for the person who asked.
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { message + (cause.map { ": \($0)" } ?? "") }
}

/// A write to the shared state that waits until its upstream can be reached.
package struct QueuedWrite: Hashable, Sendable {
    /// Bytes of ``upstream``.
    package static let upstreamLimit = 512
    /// Bytes of ``body``.
    package static let bodyLimit = 256 * 1_024

    /// Its place in the queue, given by the store; 0 before it has one. Never given twice.
    package var id: Int64
    /// The upstream for which it waits: each has its own queue.
    package var upstream: String
    package var deliveryKey: DeliveryKey
    /// What is sent.
    package var body: [UInt8]
    package var queuedAt: WallTime

    package init(id: Int64 = 0, upstream: String, deliveryKey: DeliveryKey, body: [UInt8], queuedAt: WallTime) {
        self.id = id
        self.upstream = upstream
        self.deliveryKey = deliveryKey
        self.body = body
        self.queuedAt = queuedAt
    }
}
