// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithDialects
import KithModel
import KithServer
import KithStore
import Logging

/// What became of a level and a context.
enum SyncOutcome: Sendable {
    /// The cell's own answer.
    case delivered(JSONValue)
    /// It is kept and arrives later.
    case kept(oldLevel: Double, newLevel: Double)
}

extension BridgeService {
    /// Hands a level and a context to the cell, or keeps them until there is one.
    ///
    /// - Parameter key: The client's own, if it gave one.
    /// - Throws: ``FastAPIRefusal``, ``UnusableBody``; `CancellationError`.
    func sync(_ request: ForwardedSync, key: DeliveryKey?) async throws -> SyncOutcome {
        // Whatever happens from here on, the write counts once.
        guard let key = key ?? DeliveryKey(RequestID.random().rawValue) else { throw FastAPIRefusal.notKept("no key") }
        let body = try JSONBody.encode(request)
        var uncertain: UpstreamID?
        if queue.isEmpty {
            switch try await forward(body, key: key) {
            case .answered(let id, let members):
                // A kin's cell says what will be; this node writes it, as itself, to the state that both share.
                if let share = share(for: id) { try await write(request, to: share, key: key) }
                counters.count { $0.forwardedSyncs += 1 }
                return .delivered(.object(members))
            case .refused(let problem): throw FastAPIRefusal.refusedUpstream(problem)
            case .notAnswered(let id): uncertain = id
            }
        }
        let outcome = try await keep(request, body, key: key, meantFor: uncertain)
        counters.count { $0.keptSyncs += 1 }
        look()
        return outcome
    }

    private enum Forwarding {
        case answered(UpstreamID, JSONObject)
        case refused(UpstreamError)
        /// With the upstream that may have it all the same.
        case notAnswered(UpstreamID?)
    }

    private func forward(_ body: [UInt8], key: DeliveryKey) async throws -> Forwarding {
        let deadline = services.clock.now + BridgeLimits.sync
        var tried: Set<UpstreamID> = []
        while tried.count < BridgeLimits.attempts {
            let left = deadline - services.clock.now
            let call = CellCall(.sync, body: body, delivery: key, limit: left)
            guard left > .zero, let (id, answer) = try await upstreams.ask(call, excluding: tried) else { break }
            switch answer {
            case .success(let reply): return .answered(id, reply.members)
            case .failure(let problem) where problem.kind == .refused: return .refused(problem)
            case .failure(let problem) where problem.mayHaveArrived: return .notAnswered(id)
            case .failure: tried.insert(id)
            }
        }
        return .notAnswered(nil)
    }

    /// A kin gets what it missed through the state that kin share; for a cell that the owner configured there is the
    /// queue.
    private func keep(
        _ request: ForwardedSync, _ body: [UInt8], key: DeliveryKey, meantFor uncertain: UpstreamID?
    ) async throws -> SyncOutcome {
        let selector = upstreams.selector
        let entry = uncertain.flatMap { selector[$0] } ?? selector.primary
        let oldLevel = lastLevel(of: entry)
        if queue.isEmpty, let share = share(for: entry?.id) {
            try await write(request, to: share, key: key)
        } else {
            try await enqueue(body, key: key, level: request.level)
        }
        return .kept(oldLevel: oldLevel, newLevel: request.level)
    }

    /// How an upstream takes part in the state that kin share.
    private enum Share {
        case kin(NodeID)
        /// There is no upstream.
        case nobody
    }

    /// - Returns: `nil` for an upstream that has no part in it.
    private func share(for upstream: UpstreamID?) -> Share? {
        switch upstream {
        case .address: nil
        case .kin(let node): .kin(node)
        case nil: .nobody
        }
    }

    /// Writes what the cell itself would write.
    private func write(_ request: ForwardedSync, to share: Share, key: DeliveryKey) async throws {
        let node: NodeID? = if case .kin(let node) = share { node } else { nil }
        let said = CellMessage.SyncRequest(
            level: request.level, context: .object(request.context), source: request.source)
        do {
            try await services.state.write(try SyncPlan(said, node: node).changes, delivery: key)
        } catch let fault as SyncPlan.Fault {
            throw UnusableBody(fault)
        } catch let refusal as StateRefusal {
            if let unusable = UnusableBody(refusal) { throw unusable }
            throw FastAPIRefusal(refusal)
        }
    }

    private func enqueue(_ body: [UInt8], key: DeliveryKey, level: Double) async throws {
        guard body.count <= QueuedWrite.bodyLimit else {
            throw FastAPIRefusal(
                status: .contentTooLarge, message: "no cell is in reach, and this is too long to be kept until one is")
        }
        do throws(StoreError) {
            try await queue.add(body, key: key, level: level)
        } catch {
            logger.error("write not queued", metadata: ["reason": "\(error)"])
            throw FastAPIRefusal(error)
        }
    }
}

extension FastAPIRefusal {
    fileprivate static func refusedUpstream(_ problem: UpstreamError) -> FastAPIRefusal {
        FastAPIRefusal(status: .unprocessableContent, message: "the desktop cell refuses this: \(problem)")
    }

    fileprivate static func notKept(_ why: String) -> FastAPIRefusal {
        FastAPIRefusal(
            status: .serviceUnavailable, message: "no cell is in reach, and this could not be kept: \(why)",
            headers: [.retryAfter: "5"])
    }

    fileprivate init(_ refusal: StateRefusal) {
        switch refusal.code {
        case .limitReached, .diskFull: self.init(status: .insufficientStorage, message: refusal.message)
        case .invalid, .unavailable, .closed: self = .notKept(refusal.message)
        }
    }

    fileprivate init(_ error: StoreError) {
        switch error.code {
        case .limitReached:
            self.init(
                status: .insufficientStorage,
                message: "the desktop cell is not reachable, and \(WriteQueue.limit) writes wait for it already")
        case .full: self.init(status: .insufficientStorage, message: "the disk is full: this could not be kept")
        default: self = .notKept(error.message)
        }
    }
}
