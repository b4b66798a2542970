// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import Synchronization

@testable import KithTransport

/// Notes what is told about one call. Its hooks run on the event loop, after the note.
final class RecordingHandler: UpstreamResponseHandler, Sendable {
    enum Word: Equatable, Sendable {
        case head(Int)
        case piece(String)
        case readEnded
        case whole
        case failed(ChatError.Code)

        var isLast: Bool {
            switch self {
            case .whole, .failed: true
            case .head, .piece, .readEnded: false
            }
        }
    }

    private struct State {
        var words: [Word] = []
        var waiter: (until: @Sendable ([Word]) -> Bool, continuation: CheckedContinuation<Void, Never>)?
    }

    private let state = Mutex(State())
    private let then: @Sendable (Word) -> Void

    init(then: @escaping @Sendable (Word) -> Void = { _ in }) { self.then = then }

    var words: [Word] { state.withLock { $0.words } }
    var text: String {
        words.map { if case .piece(let text) = $0 { text } else { "" } }.joined()
    }
    /// How often a last word was told; and no word may follow one.
    var isOrderly: Bool {
        let words = words
        return words.filter(\.isLast).count == 1 && words.last?.isLast == true
    }

    /// Waits until the words are such. One waiter at a time.
    func wait(until isDone: @escaping @Sendable ([Word]) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isPast = state.withLock { state in
                if isDone(state.words) { return true }
                state.waiter = (isDone, continuation)
                return false
            }
            if isPast { continuation.resume() }
        }
    }

    func ended() async { await wait { $0.last?.isLast == true } }

    func received(_ head: UpstreamHead) { note(.head(head.status)) }
    func received(_ piece: ByteBuffer) { note(.piece(String(buffer: piece))) }
    func readEnded() { note(.readEnded) }
    func ended(_ failure: ChatError?) { note(failure.map { .failed($0.code) } ?? .whole) }

    private func note(_ word: Word) {
        let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.words.append(word)
            guard let waiter = state.waiter, waiter.until(state.words) else { return nil }
            state.waiter = nil
            return waiter.continuation
        }
        then(word)
        continuation?.resume()
    }
}
