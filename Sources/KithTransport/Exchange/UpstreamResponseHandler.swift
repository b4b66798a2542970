// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import NIOCore
package import NIOHTTP1
import Synchronization

/// The head of an answer, which comes first.
package struct UpstreamHead: Sendable {
    package var status: Int
    package var headers: HTTPHeaders

    package init(status: Int, headers: HTTPHeaders) {
        self.status = status
        self.headers = headers
    }
}

/// Receives what becomes of one request, on the event loop that was named and never before the call that began it has
/// returned.
///
/// One head at most, then pieces, and exactly one `ended(_:)` last, unless the call is cancelled: then nothing more.
/// It may act on its ``UpstreamCall`` and begin other requests from within each of these.
package protocol UpstreamResponseHandler: AnyObject {
    func received(_ head: UpstreamHead)

    /// - Parameter piece: Of the body; never empty.
    func received(_ piece: ByteBuffer)

    /// All that came in one read has been delivered: the moment to flush what was relayed. Not called after `ended(_:)`.
    func readEnded()

    /// - Parameter failure: `nil` when the answer is whole; else with `unreachable`, `timeout`, `interrupted`,
    ///   `invalidAnswer`, `invalidRequest` or, when this node stops, `cancelled`.
    func ended(_ failure: ChatError?)
}

/// Relays to a handler on another event loop than the connection's: what came in one read crosses in one go, in order.
///
/// Reading stops while too much is on its way, which is when the other loop is busy.
final class UpstreamRelay: UpstreamResponseHandler, Sendable {
    private enum Word: Sendable {
        case head(UpstreamHead)
        case piece(ByteBuffer)
        case readEnded
        case ended(ChatError?)
    }

    /// What is known on the connection's event loop.
    private final class Sender {
        weak var exchange: UpstreamExchange?
        var words: [Word] = []
    }

    /// What is known on the handler's event loop.
    private final class Listener {
        var handler: (any UpstreamResponseHandler)?

        init(_ handler: any UpstreamResponseHandler) { self.handler = handler }
    }

    private static let limit = 256 << 10

    private let eventLoop: any EventLoop
    private let listener: NIOLoopBound<Listener>
    private let sender: NIOLoopBoundBox<Sender>
    /// Bytes of the body.
    private let underWay = Atomic(0)
    private let isHolding = Atomic(false)

    /// Must be called on `eventLoop`, the handler's.
    init(to handler: any UpstreamResponseHandler, on eventLoop: any EventLoop, from source: any EventLoop) {
        self.eventLoop = eventLoop
        listener = NIOLoopBound(Listener(handler), eventLoop: eventLoop)
        sender = .makeBoxSendingValue(Sender(), eventLoop: source)
    }

    /// Names the exchange whose reads may have to stop. Must be called on its event loop.
    func relays(_ exchange: UpstreamExchange) { sender.value.exchange = exchange }

    /// The handler is not called any more.
    func mute() {
        if eventLoop.inEventLoop {
            listener.value.handler = nil
        } else {
            eventLoop.execute { [listener] in listener.value.handler = nil }
        }
    }

    // MARK: On the connection's event loop

    func received(_ head: UpstreamHead) { sender.value.words.append(.head(head)) }

    func received(_ piece: ByteBuffer) {
        sender.value.words.append(.piece(piece))
        underWay.add(piece.readableBytes, ordering: .relaxed)
    }

    func readEnded() {
        // Before these words are sent: the receiver of the last one then sees that it has to resume.
        if underWay.load(ordering: .relaxed) > Self.limit, !isHolding.exchange(true, ordering: .acquiringAndReleasing) {
            sender.value.exchange?.holdReads(for: .relay)
        }
        send(.readEnded)
    }

    func ended(_ failure: ChatError?) { send(.ended(failure)) }

    private func send(_ last: Word) {
        let words = sender.value.words + CollectionOfOne(last)
        sender.value.words = []
        eventLoop.execute { self.tell(words) }
    }

    // MARK: On the handler's event loop

    private func tell(_ words: [Word]) {
        var bytes = 0
        for word in words {
            guard let handler = listener.value.handler else { return }
            switch word {
            case .head(let head): handler.received(head)
            case .piece(let piece):
                bytes += piece.readableBytes
                handler.received(piece)
            case .readEnded: handler.readEnded()
            case .ended(let failure):
                listener.value.handler = nil
                handler.ended(failure)
                return
            }
        }
        let left = underWay.subtract(bytes, ordering: .relaxed).newValue
        guard left <= Self.limit / 4, isHolding.exchange(false, ordering: .acquiringAndReleasing) else { return }
        sender.eventLoop.execute { self.sender.value.exchange?.resumeReads(for: .relay) }
    }
}
