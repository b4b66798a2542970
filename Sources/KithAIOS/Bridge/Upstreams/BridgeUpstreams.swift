// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// The upstreams of a running bridge: the ``UpstreamSelector``, its clock, the prober, and the calls under way.
final class BridgeUpstreams: Sendable {
    /// Between two checks of which kin are cells, and of what time alone has changed.
    static let pause = Duration.milliseconds(250)

    fileprivate struct State {
        var selector = UpstreamSelector()
        var cells: [UpstreamID: any CellUpstream] = [:]
        /// Their labels, also of those that are gone.
        var labels: [UpstreamID: String] = [:]
        /// What to do when an upstream goes down, by the number of the call.
        var calls: [UInt64: (id: UpstreamID, end: @Sendable (UpstreamError) -> Void)] = [:]
        var nextCall: UInt64 = 0
        /// What has changed and was not reported yet.
        var untold: [UpstreamAction] = []
        var isTelling = false
    }

    private let fixed: [any CellUpstream]
    private let kin: @Sendable () -> [any CellUpstream]
    private let clock: any TimeSource
    private let state = Mutex(State())
    private let onChange: @Sendable ([UpstreamAction], (UpstreamID) -> String) -> Void

    /// - Parameters:
    ///   - fixed: The best first.
    ///   - kin: Asked often; from memory.
    ///   - onChange: Called with what has changed, in order, never by two tasks at once.
    init(
        fixed: [any CellUpstream], kin: @escaping @Sendable () -> [any CellUpstream], clock: any TimeSource,
        onChange: @escaping @Sendable ([UpstreamAction], (UpstreamID) -> String) -> Void
    ) {
        self.fixed = fixed
        self.kin = kin
        self.clock = clock
        self.onChange = onChange
        look()
    }

    // MARK: Reading

    var selector: UpstreamSelector { state.withLock { $0.selector } }

    func cell(_ id: UpstreamID) -> (any CellUpstream)? { state.withLock { $0.cells[id] } }

    func label(_ id: UpstreamID) -> String { state.withLock { $0.labels[id] } ?? id.text }

    // MARK: Keeping watch

    /// Asks every upstream for its health, until cancelled.
    ///
    /// - Parameter onTick: Called after each look, a few times a second.
    func run(onTick: @Sendable () -> Void) async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                look()
                let now = clock.now
                for id in state.withLock({ $0.selector.takeProbes(now: now) }) {
                    group.addTask { await self.probe(id) }
                }
                onTick()
                let next = state.withLock { $0.selector.nextProbe } ?? now + Self.pause
                do {
                    try await clock.sleep(until: min(next, now + Self.pause), tolerance: .milliseconds(10))
                } catch { return }
            }
        }
    }

    /// Updates which kin are cells now.
    private func look() {
        let cells = fixed + kin()
        let now = clock.now
        change { state in
            state.cells = Dictionary(cells.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
            for cell in cells { state.labels[cell.id] = cell.label }
            return state.selector.set(cells.map(\.id), now: now) + state.selector.tick(now: now)
        }
    }

    private func probe(_ id: UpstreamID) async {
        let result: Result<UpstreamHealth, UpstreamError>
        do {
            guard let cell = cell(id) else { throw UpstreamError(.unreachable, "it is no upstream any more") }
            let call = CellCall(.health, limit: UpstreamSelector.probeLimit)
            let reply = try await abandonAfter(call.limit, clock: clock) {
                try CellReply(try await cell.send(call), to: .health)
            }
            result = .success(reply.health)
        } catch is CancellationError where Task.isCancelled {
            return  // the bridge stops
        } catch {
            result = .failure(UpstreamError(error))
        }
        change { $0.selector.probed(id, result, now: clock.now) }
    }

    /// Changes the state, and carries out what follows from it.
    private func change(_ body: (inout State) -> [UpstreamAction]) {
        let ends = state.withLock { state in
            let actions = body(&state)
            state.untold += actions
            return state.takeCalls(endedBy: actions)
        }
        for end in ends { end() }
        tell()
    }

    /// If another task is reporting already, it reports these too, so that the order is kept.
    private func tell() {
        while let news = state.withLock({ $0.takeNews() }) {
            onChange(news, label)
            state.withLock { $0.isTelling = false }
        }
    }

    // MARK: Calls

    /// Asks the best of the upstreams that have not been tried.
    ///
    /// - Returns: Which was asked and what came of it; `nil` when there is none to ask.
    /// - Throws: `CancellationError` only.
    func ask(
        _ call: CellCall, excluding tried: Set<UpstreamID> = []
    ) async throws -> (id: UpstreamID, answer: Result<CellReply, UpstreamError>)? {
        let began = clock.now
        let attempt = FirstResult<CellReply>()
        let begun = state.withLock { state in state.begin(excluding: tried, now: began, attempt: attempt) }
        guard let (ticket, cell, number) = begun else { return nil }
        do {
            let reply = try await abandonAfter(call.limit, clock: clock, or: attempt) {
                try CellReply(try await cell.send(call), to: call.kind)
            }
            finish(ticket, number, .answered(after: call.kind == .assist ? clock.now - began : nil))
            return (ticket.id, .success(reply))
        } catch is CancellationError where Task.isCancelled {
            finish(ticket, number, .abandoned)
            throw CancellationError()
        } catch {
            let problem = UpstreamError(error)
            finish(ticket, number, .failed(problem))
            return (ticket.id, .failure(problem))
        }
    }

    private func finish(_ ticket: UpstreamSelector.Ticket, _ number: UInt64, _ outcome: UpstreamSelector.Outcome) {
        change { state in
            state.calls[number] = nil
            return state.selector.ended(ticket, outcome, now: clock.now)
        }
    }
}

extension BridgeUpstreams.State {
    /// Chooses, and notes what is under way, in one step, so that two requests at once know of each other.
    fileprivate mutating func begin(
        excluding tried: Set<UpstreamID>, now: MonotonicInstant, attempt: FirstResult<CellReply>
    ) -> (UpstreamSelector.Ticket, any CellUpstream, UInt64)? {
        guard let id = selector.best(excluding: tried, now: now)?.id, let cell = cells[id] else { return nil }
        nextCall &+= 1
        let end: @Sendable (UpstreamError) -> Void = { attempt.end(.failure($0)) }
        calls[nextCall] = (id, end)
        return (selector.began(id, now: now), cell, nextCall)
    }

    fileprivate mutating func takeNews() -> [UpstreamAction]? {
        guard !isTelling, !untold.isEmpty else { return nil }
        isTelling = true
        defer { untold = [] }
        return untold
    }

    /// The ends of the calls to upstreams that went down.
    fileprivate mutating func takeCalls(endedBy actions: [UpstreamAction]) -> [@Sendable () -> Void] {
        var ends: [@Sendable () -> Void] = []
        for case .wentDown(let down, let why) in actions {
            for (number, call) in calls where call.id == down {
                calls[number] = nil
                ends.append { [end = call.end] in end(UpstreamError(.lost, why)) }
            }
        }
        return ends
    }
}

extension UpstreamID {
    /// The words where nothing better is known.
    fileprivate var text: String {
        switch self {
        case .address(let address): address.description
        case .kin(let node): "kin:\(node.short)"
        }
    }
}
