// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithModel
import NIOCore
import ServiceLifecycle
import Synchronization

/// An answer that is being made in a conversation, and what was told of it so far: it goes on whether somebody follows it or
/// not, so that a page can be closed and opened again in the middle of it.
final class RunningAnswer: Sendable {
    /// Bytes that are kept for those who come later; an answer that grows beyond is ended.
    static let limit = 4 << 20
    private static let followerLimit = 16

    private struct State {
        var bytes: [UInt8] = []
        var isOver = false
        var signals: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var next: UInt64 = 0
    }

    let session: SessionID
    /// Who asked; besides the owner nobody else may follow or stop it.
    let asker: Asker
    /// What was asked, as it is told to those who come later.
    let question: [UInt8]
    private let state = Mutex(State())
    private let work = Mutex<Task<Void, Never>?>(nil)
    private let discarded = Mutex(false)

    init(session: SessionID, asker: Asker, question: [UInt8]) {
        self.session = session
        self.asker = asker
        self.question = question
    }

    func begin(_ work: @escaping @Sendable () async -> Void) {
        self.work.withLock { $0 = Task { await work() } }
    }

    func stop() { work.withLock { $0?.cancel() } }

    /// Whether nothing of it is to be kept, since its conversation was removed.
    var isDiscarded: Bool { discarded.withLock { $0 } }

    /// Stops it and keeps nothing of it.
    func discard() async {
        discarded.withLock { $0 = true }
        stop()
        await ended()
    }

    /// Returns when what is kept of it is in the store.
    func ended() async { await work.withLock { $0 }?.value }

    /// - Returns: `false` when it is too long; nothing of `bytes` is kept then.
    func tell(_ bytes: [UInt8]) -> Bool {
        let (isKept, signals) = state.withLock { state in
            guard state.bytes.count + bytes.count <= Self.limit else { return (false, state.signals) }
            state.bytes += bytes
            return (true, state.signals)
        }
        for signal in signals.values { signal.yield() }
        return isKept
    }

    func end(_ bytes: [UInt8]) {
        let signals = state.withLock { state in
            state.bytes += bytes
            state.isOver = true
            return state.signals
        }
        for signal in signals.values { signal.finish() }
    }

    /// Writes what was told and what will be, with a sign of life in each pause of `heartbeat`; the client's going ends this
    /// and not the answer.
    ///
    /// - Returns: `nil` when too many follow it.
    func following(heartbeat: Duration, clock: any TimeSource) -> Following? {
        let (signals, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state -> UInt64? in
            guard state.signals.count < Self.followerLimit else { return nil }
            defer { state.next += 1 }
            state.signals[state.next] = continuation
            return state.next
        }
        guard let number else { return nil }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.signals.removeValue(forKey: number) }
        }
        if state.withLock(\.isOver) { continuation.finish() }
        continuation.yield()
        return Following(answer: self, signals: signals, signal: continuation, heartbeat: heartbeat, clock: clock)
    }

    struct Following: Sendable {
        fileprivate let answer: RunningAnswer
        fileprivate let signals: AsyncStream<Void>
        fileprivate let signal: AsyncStream<Void>.Continuation
        fileprivate let heartbeat: Duration
        fileprivate let clock: any TimeSource

        /// Writes to the answer's end.
        ///
        /// - Throws: What the client's going throws.
        @concurrent
        func write(to writer: inout any ResponseBodyWriter) async throws {
            let ticker = Task { [clock, signal, heartbeat] in
                while true {
                    try await clock.sleep(for: heartbeat)
                    signal.yield()
                }
            }
            defer {
                ticker.cancel()
                signal.finish()
            }
            try await withGracefulShutdownHandler {
                var told = 0
                for await _ in signals {
                    let bytes = answer.told(after: told)
                    told += bytes.count
                    try await writer.write(ByteBuffer(bytes: bytes.isEmpty ? Array(": quiet\n\n".utf8) : bytes))
                }
                let rest = answer.told(after: told)
                if !rest.isEmpty { try await writer.write(ByteBuffer(bytes: rest)) }
                try await writer.finish(nil)
            } onGracefulShutdown: {
                signal.finish()
            }
        }
    }

    private func told(after count: Int) -> [UInt8] { state.withLock { Array($0.bytes[count...]) } }
}

/// Who asks in a conversation, as far as it matters for whose answer it is.
enum Asker: Hashable, Sendable {
    /// A program on this machine, without a key.
    case local
    case owner
    case key(String)
}

/// The answers that are being made now, one in a conversation.
package final class RunningAnswers: Sendable {
    static let limit = 32
    /// Of one who asks and is not the owner: nobody takes all places.
    static let askerLimit = 8

    enum Refusal: Error {
        case busy
        case tooMany
    }

    private let running = Mutex<[SessionID: RunningAnswer]>([:])

    /// - Throws: ``Refusal``.
    func add(_ answer: RunningAnswer) throws(Refusal) {
        let refusal = running.withLock { running -> Refusal? in
            if running[answer.session] != nil { return .busy }
            if running.count >= Self.limit { return .tooMany }
            let own = running.values.count { $0.asker == answer.asker }
            if answer.asker != .owner, own >= Self.askerLimit { return .tooMany }
            running[answer.session] = answer
            return nil
        }
        if let refusal { throw refusal }
    }

    func remove(_ answer: RunningAnswer) {
        running.withLock { running in
            if running[answer.session] === answer { running[answer.session] = nil }
        }
    }

    subscript(session: SessionID) -> RunningAnswer? { running.withLock { $0[session] } }

    /// Waits until it is cancelled, which the node's stop does, and ends all answers then, so that what was said is kept.
    package func run() async {
        let (endless, source) = AsyncStream.makeStream(of: Void.self)
        for await _ in endless {}
        source.finish()
        let left = running.withLock { Array($0.values) }
        for answer in left { answer.stop() }
        for answer in left { await answer.ended() }
    }
}
