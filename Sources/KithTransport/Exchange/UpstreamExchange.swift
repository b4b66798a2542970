// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore

/// One request on its way, as its event loop knows it: the request, where it runs, and its handler. Bound to that event
/// loop.
final class UpstreamExchange {
    private enum Place {
        /// A connection is being made. Exits: `running`, `over`.
        case waiting
        /// Exits: `waiting` (to be repeated), `over`.
        case running(UpstreamConnection, number: Int)
        case over
    }

    /// Who cannot take more at the moment.
    struct Holders: OptionSet {
        let rawValue: UInt8

        static let handler = Holders(rawValue: 1)
        static let relay = Holders(rawValue: 2)
    }

    let eventLoop: any EventLoop
    let request: UpstreamRequest
    private(set) var limits: UpstreamLimits
    /// `nil` when there is no handler to call any more.
    var handler: (any UpstreamResponseHandler)?
    /// For a handler on which a task waits that must learn of a cancellation.
    var whenCancelled: (() -> Void)?
    private(set) var isCancelled = false
    private var place = Place.waiting
    private var holders: Holders = []
    private var isBeginning = true

    /// Must be called on `eventLoop`.
    init(_ request: UpstreamRequest, handler: any UpstreamResponseHandler, eventLoop: any EventLoop) {
        self.request = request
        self.handler = handler
        self.eventLoop = eventLoop
        limits = request.limits
    }

    var isOver: Bool { if case .over = place { true } else { false } }

    /// The caller that began the exchange has its call, so the handler may be called.
    func hasBegun() { isBeginning = false }

    func runs(on connection: UpstreamConnection, as number: Int) {
        place = .running(connection, number: number)
        if !holders.isEmpty { connection.handle(.hold(number)) }
    }

    /// The exchange runs nowhere, and will be begun on another connection.
    func waits() { if !isOver { place = .waiting } }

    // MARK: Ends

    func end(_ failure: ChatError?) {
        guard !isOver else { return }
        place = .over
        whenCancelled = nil
        guard isBeginning else { return tellEnd(failure) }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute { bound.value.tellEnd(failure) }
    }

    private func tellEnd(_ failure: ChatError?) {
        let handler = handler
        self.handler = nil
        handler?.ended(failure)
    }

    func cancel() {
        isCancelled = true
        handler = nil
        guard !isOver else { return }
        let (last, heard) = (place, whenCancelled)
        place = .over
        whenCancelled = nil
        if case .running(let connection, let number) = last { connection.handle(.cancel(number)) }
        heard?()
    }

    // MARK: Flow of the answer

    /// Reads go on when nobody holds them.
    func holdReads(for holder: Holders = .handler) {
        holders.insert(holder)
        if case .running(let connection, let number) = place { connection.handle(.hold(number)) }
    }

    func resumeReads(for holder: Holders = .handler) {
        holders.remove(holder)
        guard holders.isEmpty, case .running(let connection, let number) = place else { return }
        connection.handle(.resume(number))
    }

    func limitStalls(to limit: Duration) {
        limits.stall = limit
        if case .running(let connection, let number) = place { connection.handle(.renew(number, .piece)) }
    }
}
