// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
package import KithModel
import KithServer
package import KithTracing

/// What a node tells its kin, and nobody else, of itself: its part of a trace, and its log.
package struct ObservationRoutes: PeerRouteGroup {
    private let tracer: NodeTracer
    private let logs: LogRing

    package init(tracer: NodeTracer, logs: LogRing) {
        self.tracer = tracer
        self.logs = logs
    }

    package func add(to router: PeerRouter, services: PeerServices) {
        router.peer(PeerWire.tracePath + "/:id", .get, for: .kin, of: services) { request, _ in
            try .json(told(String(request.uri.path.dropFirst(PeerWire.tracePath.count + 1))))
        }
        router.peer(PeerWire.logsPath, .get, for: .kin, of: services) {
            [clock = services.clock, trust = services.trust] request, caller in
            do {
                return try logs.response(to: LogQuery(request), clock: clock) { trust.standing(of: caller.id) == .kin }
            } catch let refusal as ControlError {
                throw ChatError(refusal.code == .busy ? .overloaded : .invalidRequest, refusal.message)
            }
        }
    }

    private func told(_ segment: String) throws -> TraceMessage.Told {
        guard let id = PathSegment.unescaped(segment).flatMap({ KithModel.RequestID(given: $0) }) else {
            throw ChatError(.invalidRequest, "this is no name of a request")
        }
        return TraceMessage.Told(spans: tracer.snapshots(of: id))
    }
}

extension NodeTracer {
    /// Spans that are told at once.
    private static let toldLimit = 512

    /// What this node knows of a request or a trace; of a trace with many requests the latest.
    package func snapshots(of id: KithModel.RequestID) -> [SpanSnapshot] {
        let anchor = anchor
        return Array(ring.find(id).flatMap { $0.snapshots(anchor) }.suffix(Self.toldLimit))
    }
}
