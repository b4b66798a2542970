// SPDX-License-Identifier: Apache-2.0

/// Decides the life of the exchanges on one upstream connection, one at a time, without doing anything itself: events
/// in, actions out.
///
/// Exchanges are numbered because callers may act late: a reader may drop an answer when the connection has long been
/// serving the next. An event that names an exchange which is not running is without effect.
///
/// A stream of HTTP/2 is a connection that serves one exchange and is never released.
struct ExchangeMachine {
    private enum State {
        /// Nothing runs. Exits: `running` (begin), `closed` (anything that comes from the other side, rest over,
        /// close).
        case idle
        /// Exits: `settling` (answer whole, connection of use), `closed` (answer whole otherwise; failure; cancel).
        case running(Running)
        /// The answer was whole, but the read in which its end came may hold more, which must not be taken for the
        /// answer to the next request. Exits: `idle` (read over), `closed` (anything else from the other side, close).
        case settling
        /// The last state: nothing has an effect.
        case closed
    }

    fileprivate struct Running {
        /// GET and HEAD: asking twice does no harm (RFC 9110, 9.2.2).
        var isSafe: Bool
        var written = Written.nothing
        var answer = Answer.none
        var mayBeReleased = false
        var readsHeld = false
    }

    /// How much of a request went out.
    enum Written: Comparable {
        case nothing
        /// The other side may have read some of it.
        case begun
        case all
    }

    fileprivate enum Answer: Comparable {
        case none
        case head
        case body
    }

    /// Why a connection is of no use any more, where it did not simply end.
    enum Fault: Equatable {
        /// It ended, in whatever way.
        case broken
        /// What came is not an answer.
        case malformed
        /// The TLS handshake failed.
        case untrusted
        /// The other side says that it has not looked at the request (RFC 9113, 8.7).
        case untouched
        /// The request cannot be put into bytes; nothing went out.
        case unsendable
    }

    enum Event: Equatable {
        // About an exchange, by its number.
        case begin(Int, isSafe: Bool)
        /// Also for each further part that went out: an upload that makes progress is not cut off.
        case written(Int, Written)
        /// The caller can take no more, or can again.
        case hold(Int)
        case resume(Int)
        /// A limit was changed, or a sign of life seen: that wait, if it is on, starts again.
        case renew(Int, Wait)
        /// The caller has gone: it cancelled, or dropped the answer.
        case cancel(Int)
        /// The timer that was set while this exchange ran, or rested after it.
        case expired(Int)

        // About the connection.
        case head(keepsAlive: Bool)
        case piece
        /// - Parameter isOpen: Whether the connection is; an answer may be ended by the end of the connection.
        case end(isOpen: Bool)
        /// All that came in one read was told.
        case readOver
        case inactive
        case fault(Fault)
        /// The exchange that an idle connection was made for has gone in the meantime.
        case unused
        /// The pool has no use for an idle connection. Without effect on a running exchange.
        case close
    }

    /// What is waited for.
    enum Wait: Equatable {
        /// That more of the request goes out.
        case write
        case firstByte
        /// For the next piece of the answer.
        case piece
        /// For the next request.
        case rest
    }

    enum Failure: Equatable {
        case fault(Fault)
        /// The connection ended before an answer began, and asking again might do something twice.
        case unanswered
        /// The connection ended in the middle of the answer.
        case cut
        case timeout(Wait)
    }

    /// What to do, in this order: the handler is called last, when the connection is already in its next state.
    struct Actions: Equatable {
        enum Timer: Equatable {
            case keep
            case clear
            case set(Wait)
        }

        enum Reads: Equatable {
            case keep
            case hold
            case resume
        }

        enum Connection: Equatable {
            case keep
            /// To the pool.
            case release
            case close
        }

        enum Tell: Equatable {
            case nothing
            case head
            case piece
            case readOver
            // The last word about an exchange is one of these.
            case whole
            case failure(Failure)
            /// Nothing was lost: the exchange is to run on another connection.
            case again
        }

        var timer = Timer.keep
        var reads = Reads.keep
        var connection = Connection.keep
        /// Told to the exchange with this number.
        var exchange = 0
        var tell = Tell.nothing

        static let none = Actions()
    }

    /// Whether the connection goes back to a pool; a stream does not.
    private let isReusable: Bool
    private var state = State.idle
    /// Of the exchange that runs or ran last.
    private(set) var number = 0
    private var served = 0

    init(isReusable: Bool) { self.isReusable = isReusable }

    var isIdle: Bool { if case .idle = state { true } else { false } }

    mutating func handle(_ event: Event) -> Actions {
        switch event {
        case .begin(let number, let isSafe): begin(number, isSafe: isSafe)
        case .written(let number, let written): on(number) { $0.wrote(written) }
        case .hold(let number): on(number) { $0.hold() }
        case .resume(let number): on(number) { $0.resume() }
        case .renew(let number, let wait): on(number) { $0.wait == .set(wait) ? Actions(timer: .set(wait)) : .none }
        case .cancel(let number): number == self.number ? cancel() : .none
        case .expired(let number): number == self.number ? expired() : .none
        case .head(let keepsAlive): head(keepsAlive: keepsAlive)
        case .piece: piece()
        case .end(let isOpen): end(isOpen: isOpen)
        case .readOver: readOver()
        case .inactive: ended(.broken)
        case .fault(let fault): ended(fault)
        case .unused: isIdle ? rest() : .none
        case .close: close()
        }
    }

    // MARK: Exchanges

    private mutating func begin(_ number: Int, isSafe: Bool) -> Actions {
        guard number > self.number else { return .none }
        guard case .idle = state else { return Actions(exchange: number, tell: .again) }
        self.number = number
        state = .running(Running(isSafe: isSafe))
        return Actions(timer: .set(.write))
    }

    private mutating func on(_ number: Int, _ change: (inout Running) -> Actions) -> Actions {
        guard number == self.number, case .running(var running) = state else { return .none }
        let actions = change(&running)
        state = .running(running)
        return actions
    }

    private mutating func cancel() -> Actions {
        guard case .running = state else { return .none }
        return finish(.nothing)
    }

    private mutating func expired() -> Actions {
        switch state {
        case .running(let running):
            guard case .set(let wait) = running.wait else { return .none }
            return finish(.failure(.timeout(wait)))
        case .idle: return finish(.nothing)
        case .settling, .closed: return .none
        }
    }

    // MARK: Answers

    private mutating func head(keepsAlive: Bool) -> Actions {
        guard case .running(var running) = state else { return unasked() }
        guard running.answer == .none else { return ended(.malformed) }
        running.answer = .head
        running.mayBeReleased = keepsAlive
        state = .running(running)
        return Actions(exchange: number, tell: .head)
    }

    private mutating func piece() -> Actions {
        guard case .running(var running) = state else { return unasked() }
        guard running.answer > .none else { return ended(.malformed) }
        running.answer = .body
        state = .running(running)
        return Actions(timer: running.wait, exchange: number, tell: .piece)
    }

    private mutating func end(isOpen: Bool) -> Actions {
        guard case .running(let running) = state else { return unasked() }
        guard running.answer > .none else { return ended(.malformed) }
        served += 1
        // A server that answers before it has read the request may take the rest of it for the next one.
        guard isReusable, isOpen, running.mayBeReleased, running.written == .all else { return finish(.whole) }
        state = .settling
        return Actions(timer: .clear, reads: running.readsHeld ? .resume : .keep, exchange: number, tell: .whole)
    }

    private mutating func readOver() -> Actions {
        switch state {
        case .running: return Actions(exchange: number, tell: .readOver)
        case .settling:
            state = .idle
            return rest()
        case .idle, .closed: return .none
        }
    }

    private mutating func rest() -> Actions {
        isReusable ? Actions(timer: .set(.rest), connection: .release) : finish(.nothing)
    }

    /// Something came that nobody asked for.
    private mutating func unasked() -> Actions {
        if case .closed = state { .none } else { finish(.nothing) }
    }

    // MARK: Ends

    private mutating func ended(_ fault: Fault) -> Actions {
        guard case .running(let running) = state else { return unasked() }
        return switch (fault, running.answer) {
        case (.malformed, _), (.untrusted, _), (.unsendable, _): finish(.failure(.fault(fault)))
        case (_, .head), (_, .body): finish(.failure(.cut))
        case (.untouched, .none): finish(.again)
        // A server may close an idle connection at the moment at which it is asked the next thing (RFC 9112, 9.3.1).
        case (.broken, .none) where running.written == .nothing || running.isSafe && served > 0: finish(.again)
        case (.broken, .none): finish(.failure(.unanswered))
        }
    }

    private mutating func close() -> Actions {
        switch state {
        case .idle, .settling: finish(.nothing)
        case .running, .closed: .none
        }
    }

    private mutating func finish(_ tell: Actions.Tell) -> Actions {
        state = .closed
        return Actions(timer: .clear, connection: .close, exchange: number, tell: tell)
    }
}

extension ExchangeMachine.Running {
    fileprivate typealias Actions = ExchangeMachine.Actions

    /// The wait that is on: none while the caller is slow, which says nothing about the other side.
    fileprivate var wait: Actions.Timer {
        switch (written, answer) {
        case _ where readsHeld: .clear
        case (.nothing, _), (.begun, _): .set(.write)
        case (.all, .none), (.all, .head): .set(.firstByte)
        case (.all, .body): .set(.piece)
        }
    }

    fileprivate mutating func wrote(_ part: ExchangeMachine.Written) -> Actions {
        guard written < .all, part > .nothing else { return .none }
        written = max(written, part)
        return Actions(timer: wait)
    }

    fileprivate mutating func hold() -> Actions {
        guard !readsHeld else { return .none }
        readsHeld = true
        return Actions(timer: wait, reads: .hold)
    }

    fileprivate mutating func resume() -> Actions {
        guard readsHeld else { return .none }
        readsHeld = false
        return Actions(timer: wait, reads: .resume)
    }
}
