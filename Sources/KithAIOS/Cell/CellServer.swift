// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Hummingbird
import HummingbirdCore
import KithDialects
package import KithModel
package import KithServer
package import KithTrust
package import Logging
package import NIOCore

/// The cell role's listener.
package enum CellServer {
    /// - Parameters:
    ///   - registry: Where other cells that come by are written down; without it they are only answered.
    ///   - onListening: Told of the channel when the port is open.
    package static func listener(
        cell: CellService, registry: RegistryService? = nil, access: AccessControl, address: HTTPAddress,
        clock: any TimeSource, bodyLimit: Int = 1 << 20, tls: SurfaceTLSSource? = nil,
        limits: ConnectionLimits = ConnectionLimits(), logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) -> HTTPListener<RouterResponder<NodeRequestContext>> {
        let router = SurfaceRouter(context: NodeRequestContext.self)
        let counts = RequestCounts()
        router.addMiddleware {
            RequestCounting(counts: counts)
            FastAPIErrors()
            AccessMiddleware(access: access)
            OriginMiddleware(access: access)
            Expectations()
        }
        CellRoutes(cell: cell, registry: registry, bodyLimit: bodyLimit).add(to: router)
        CellMetricsRoutes(cell: cell, counts: counts, clock: clock, startedAt: clock.now).add(to: router)
        return HTTPListener(
            Application(
                responder: router.buildResponder(),
                server: .surface(limits: limits, errors: .detail, tls: tls),
                configuration: ApplicationConfiguration(
                    address: .hostname(address.host, port: address.port),
                    availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: logger)),
                onServerRunning: onListening,
                logger: logger))
    }
}

/// How the cell is, for monitors.
struct CellMetricsRoutes: Sendable {
    let cell: CellService
    let counts: RequestCounts
    let clock: any TimeSource
    let startedAt: MonotonicInstant

    func add(to router: SurfaceRouter) {
        router.surface(
            "/metrics", scope: .read,
            [
                .get: { request, _ in
                    let wantsJSON = request.headers[.accept].map(MediaTypes.prefersJSON) ?? false
                    return wantsJSON ? try .json(body()) : .metrics(families())
                }
            ])
        router.surface("/metrics/prometheus", scope: .read, [.get: { _, _ in .metrics(families()) }])
    }

    private var uptime: Double { (clock.now - startedAt).seconds }

    private func families() -> [MetricFamily] {
        let health = cell.health()
        return [
            MetricFamily(
                "aios_consciousness_level", .gauge, "The level that was declared for the cell.",
                [.init(health.level, ["cell_id": health.cellID])]),
            MetricFamily(
                "aios_cell_info", .gauge, "Always 1; the labels say which cell it is.",
                [.init(1, ["cell_id": health.cellID, "branch": health.branch])]),
            MetricFamily(
                "kith_level", .gauge, "The levels that are known here, by who declared them.",
                cell.levels().sorted { $0.key < $1.key }.map { .init($0.value, ["source": $0.key]) }),
            MetricFamily("kith_uptime_seconds", .gauge, "Since the role was started.", value: uptime),
            counts.family(role: "cell"),
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
            uptime_seconds: uptime,
            requests: counts.all.map {
                .init(route: $0.key.route, outcome: $0.key.outcome.rawValue, count: $0.count)
            })
    }
}
