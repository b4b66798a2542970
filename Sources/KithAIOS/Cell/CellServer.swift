// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
import KithDialects
import KithMetrics
package import KithModel
package import KithServer
package import KithTrust
package import Logging
package import NIOCore

/// The cell role's listener.
package enum CellServer {
    /// - Parameters:
    ///   - registry: Where other cells that introduce themselves are entered; without it they are only answered.
    ///   - gate: Which connections are kept; by default all that there is room for.
    ///   - counts: Whether requests are counted.
    ///   - onListening: Called with the channel when the port is open.
    package static func listener(
        cell: CellService, registry: RegistryService? = nil, access: AccessControl, address: HTTPAddress,
        clock: any TimeSource, bodyLimit: Int = 1 << 20, tls: SurfaceTLSSource? = nil,
        limits: ConnectionLimits = ConnectionLimits(), gate: ConnectionGate? = nil, counts: Bool = true, logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) -> HTTPListener<RouterResponder<NodeRequestContext>> {
        let gate = gate ?? ConnectionGate(places: limits.connections)
        let router = SurfaceRouter(context: NodeRequestContext.self)
        router.add(middleware: SecuringResponses())
        let metrics = ListenerMetrics(role: "cell", counts: counts)
        metrics.meter(router)
        router.addMiddleware {
            RequestNaming()
            ErrorRendering.fastAPI
            AccessMiddleware(access: access, gate: gate)
            OriginMiddleware(access: access)
            Expectations()
        }
        CellRoutes(cell: cell, registry: registry, limits: access.limits, bodyLimit: bodyLimit).add(to: router)
        CellMetricsRoutes(cell: cell, metrics: metrics, clock: clock, startedAt: clock.now).add(to: router)
        return HTTPListener(
            responder: router.buildResponder(), address: address, limits: limits, errors: .detail, tls: tls,
            gate: gate, logger: logger, onListening: onListening)
    }
}

/// How the cell is, for monitors.
struct CellMetricsRoutes: Sendable {
    let cell: CellService
    let metrics: ListenerMetrics
    let clock: any TimeSource
    let startedAt: MonotonicInstant

    func add(to router: SurfaceRouter) {
        router.surface(
            "/metrics", scope: .read,
            [
                .get: { request, _ in
                    let wantsJSON = request.headers[.accept].map(MediaTypes.prefersJSON) ?? false
                    return wantsJSON ? try .json(body()) : await metrics.response(to: request, with: families())
                }
            ])
        router.surface(
            "/metrics/prometheus", scope: .read,
            [.get: { request, _ in await metrics.response(to: request, with: families()) }])
    }

    private var uptime: Duration { clock.now - startedAt }

    private func families() -> [MetricFamily] {
        cell.families + [
            MetricFamily(
                "kith_level", .gauge, "The levels that are known here, by who declared them.",
                cell.levels().sorted { $0.key < $1.key }.map { .init($0.value, ["source": $0.key]) }),
            .uptime(uptime),
        ]
    }

    private struct Body: Encodable {
        struct Requests: Encodable {
            var route: String
            var outcome: String
            var count: Int
        }

        var cell_id: String
        var branch: String
        var consciousness_level: Double
        var levels: [String: Double]
        var uptime_seconds: Double
        var requests: [Requests]
    }

    private func body() -> Body {
        let health = cell.health()
        return Body(
            cell_id: health.cellID, branch: health.branch, consciousness_level: health.level, levels: cell.levels(),
            uptime_seconds: uptime.seconds,
            requests: (metrics.meter?.counts ?? []).map {
                .init(route: $0.route, outcome: $0.outcome.rawValue, count: $0.count)
            })
    }
}
