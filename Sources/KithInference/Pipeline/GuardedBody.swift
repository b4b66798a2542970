// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithTransport
import NIOCore

/// The body of a passed-on answer with what applies to it on the way: the slot it occupies, and its limits.
package struct GuardedBody: AsyncSequence, Sendable {
    package typealias Element = [UInt8]
    package typealias Failure = any Error

    fileprivate enum Limit: Sendable {
        case bytes(Int)
        case deadline(MonotonicInstant, any TimeSource)
        case none
    }

    private let base: PassThroughAnswer.Body
    private let limit: Limit
    /// Kept until the body has been read or is dropped.
    private let held: (any Sendable)?

    private init(_ base: PassThroughAnswer.Body, _ limit: Limit, held: (any Sendable)?) {
        self.base = base
        self.limit = limit
        self.held = held
    }

    /// What an engine or a kin sends, of bounded length.
    package init(_ body: UpstreamBody, upTo limit: Int = PassThroughAnswer.byteLimit) {
        self.init(Pieces(base: body), .bytes(limit), held: nil)
    }

    /// - Parameter held: Kept for as long as the body is being read.
    package init(_ body: PassThroughAnswer.Body, holding held: any Sendable) {
        self.init(body, .none, held: held)
    }

    /// Breaks off at a deadline, as soon as something comes after it.
    init(_ body: PassThroughAnswer.Body, until deadline: MonotonicInstant, clock: any TimeSource) {
        self.init(body, .deadline(deadline, clock), held: nil)
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var base: any AsyncIteratorProtocol<[UInt8], any Error>
        fileprivate let limit: Limit
        fileprivate var held: (any Sendable)?
        fileprivate var passed = 0

        package mutating func next() async throws -> [UInt8]? { try await next(isolation: #isolation) }

        package mutating func next(isolation actor: isolated (any Actor)?) async throws -> [UInt8]? {
            guard let piece = try await base.next(isolation: actor) else {
                held = nil
                return nil
            }
            switch limit {
            case .none: break
            case .bytes(let limit):
                passed += piece.count
                guard passed <= limit else {
                    throw ChatError(.invalidAnswer, "the answer is longer than \(limit) bytes")
                }
            case .deadline(let deadline, let clock):
                guard clock.now < deadline else { throw DeadlineWatch.failure }
            }
            return piece
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), limit: limit, held: held)
    }

    private struct Pieces: AsyncSequence, Sendable {
        typealias Element = [UInt8]
        typealias Failure = any Error

        let base: UpstreamBody

        struct AsyncIterator: AsyncIteratorProtocol {
            var base: UpstreamBody.AsyncIterator

            mutating func next() async throws -> [UInt8]? { try await next(isolation: #isolation) }

            mutating func next(isolation actor: isolated (any Actor)?) async throws -> [UInt8]? {
                try await base.next(isolation: actor).map { Array($0.readableBytesView) }
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator()) }
    }
}
