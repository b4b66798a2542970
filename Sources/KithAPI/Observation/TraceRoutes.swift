// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
package import KithModel
package import KithPeers
import KithServer
package import KithTracing

/// What a node's owner can see of it while it works, besides events and metrics.
package struct Observation: Sendable {
    package var tracer: NodeTracer
    package var logs: LogRing
    package var peers: PeerObserver

    package init(tracer: NodeTracer, logs: LogRing, peers: PeerObserver) {
        self.tracer = tracer
        self.logs = logs
        self.peers = peers
    }
}

/// How one request went, across machines.
struct TraceRoutes: Sendable {
    static let path = "/api/traces"

    let services: NodeServices
    let observation: Observation

    func add(to router: SurfaceRouter) {
        router.surface(
            Self.path + "/:request", scope: .read,
            [.get: { _, context in try .json(try await trace(context.pathParameter("request"))) }])
    }

    private func trace(_ name: String?) async throws -> TraceMessage.Trace {
        guard let id = name.flatMap({ KithModel.RequestID(given: $0) }) else {
            throw ControlError(.invalid, "the path does not name a request; kith trace lists the last ones")
        }
        let own = observation.tracer.snapshots(of: id)
        let asked = own.compactMap { $0.attributes["kith.node"]?.stringValue }
        let findings = await observation.peers.spans(
            of: id, involving: Set(asked).subtracting([services.name.rawValue]))
        var all = [(node: services.name.rawValue, spans: own)] + findings.told
        let spans = all.flatMap(\.spans)
        let named = TraceID(id.rawValue).flatMap { named in spans.first { $0.trace == named }?.trace }
        // A name that a client gave to several requests stands for the last of them.
        guard let trace = named ?? spans.max(by: { $0.began < $1.began })?.trace else {
            throw ControlError(
                .notFound,
                "nothing is known of this request: nodes remember the last thousand or so, and forget them when they stop"
            )
        }
        for index in all.indices { all[index].spans.removeAll { $0.trace != trace } }
        return TraceMessage.Trace(trace, TraceTimeline(all), missing: findings.missing)
    }
}
