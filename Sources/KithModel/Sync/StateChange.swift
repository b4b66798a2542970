// SPDX-License-Identifier: Apache-2.0

/// One thing to be changed in the state that kin share.
package struct StateChange: Hashable, Sendable {
    package var register: RegisterKey
    /// Who says it.
    package var source: StateSource
    /// `nil` removes what is there.
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
        /// As much is kept as may be.
        case limitReached = "limit_reached"
        case diskFull = "disk_full"
        /// The disk cannot be written or read.
        case unavailable
        /// The node stops.
        case closed
    }

    package var code: Code
    /// One sentence for whoever asked.
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { message + (cause.map { ": \($0)" } ?? "") }
}
