// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithServer

/// Puts a routed answer in the form of an event stream of one dialect: a value that is fed what arrives.
protocol AnswerStreamText: Sendable {
    static var contentType: String { get }

    /// It is known which node and model answer.
    mutating func answered(by routed: RoutedAnswer)

    mutating func append(_ event: RoutedEvent, to bytes: inout [UInt8])

    /// Does what has to be done before what was appended last is sent, and appends what may only be said after it.
    mutating func settle(_ bytes: inout [UInt8]) async

    /// Nothing was said for a while.
    ///
    /// - Parameter words: What the answer is waiting for.
    mutating func append(silence words: String, now: MonotonicInstant, to bytes: inout [UInt8])

    /// A comment that clients skip (WHATWG HTML, 9.2.6); keeps connections open while nothing is said. Nothing in a dialect that
    /// has no comments.
    static func append(comment: String, to bytes: inout [UInt8])

    /// The event that says that the answer broke off; nothing that could be taken for an end follows it.
    func append(problem: SurfaceError, to bytes: inout [UInt8])
}

extension AnswerStreamText {
    static var contentType: String { "text/event-stream" }

    mutating func settle(_ bytes: inout [UInt8]) async {}
}
