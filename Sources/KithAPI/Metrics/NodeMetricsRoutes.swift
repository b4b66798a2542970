// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithAlerts
import KithInference
import KithMetrics
import KithModel
import KithServer
import KithStore

/// What monitors read of a node.
struct NodeMetricsRoutes: Sendable {
    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(
            "/metrics", scope: .read,
            [
                .get: { request, _ in
                    await services.metrics.listener.response(to: request, with: await families())
                }
            ])
    }

    /// What is looked up now.
    private func families() async -> [MetricFamily] {
        var families = MetricFamily.families(of: await services.vitals.vitals())
        families.append(breakers)
        families.append(
            MetricFamily(
                "kith_build_info", .gauge, "Always 1; the label says which version runs.",
                [.init(1, ["version": services.version])]))
        families.append(
            MetricFamily(
                "kith_event_followers", .gauge, "Clients that follow the node's events.",
                value: Double(services.events.followerCount)))
        if services.company != nil { families.append(await insights()) }
        if let alerts = services.alerts { families.append(MetricFamily(alerts.firing)) }
        return families + ProcessFamilies.read()
    }

    private var breakers: MetricFamily {
        let breakers = services.dispatcher.breakers().sorted { $0.key.description < $1.key.description }
        return MetricFamily(
            "kith_breaker_state", .gauge,
            "Whether a model on a node is left alone after failures: 0 closed, 1 half-open, 2 open.",
            breakers.prefix(MetricRegistry.seriesLimit).map { candidate, condition in
                .init(
                    Double(condition.rawValue),
                    ["node": candidate.name.rawValue, "model": candidate.model.rawValue])
            })
    }

    /// Without those that cannot be counted now.
    private func insights() async -> MetricFamily {
        var samples: [MetricFamily.Sample] = []
        for (standing, shelf) in [
            ("live", .live), ("waiting", .waiting), ("archived", .archived), ("rejected", .rejected),
        ]
            as [(String, InsightShelf)]
        {
            guard let count = try? await services.store.insightCount(on: shelf) else { continue }
            samples.append(.init(Double(count), ["standing": standing]))
        }
        return MetricFamily("kith_insights", .gauge, "Insights that are kept, by standing.", samples)
    }
}

extension MetricFamily {
    fileprivate init(_ firing: FiringAlerts) {
        self.init(
            "kith_alerts_firing", .gauge, "Alerts of the mesh that fire, as this node knows them.",
            firing.all.map {
                .init(Double($0.count), ["alert": $0.condition.rawValue, "severity": $0.severity.rawValue])
            })
    }

    /// How a node is, as gauges, and as counters of what it counted itself.
    static func families(of vitals: NodeVitals) -> [MetricFamily] {
        engine(vitals.engine) + peers(vitals.peers) + [
            MetricFamily(
                "kith_queue_refusals_total", .counter, "Prompts that were turned away because every queue was full.",
                value: Double(vitals.answers.queueRefusals)),
            MetricFamily(
                "kith_degraded", .gauge, "Whether the node does less than it should.",
                value: vitals.degraded == nil ? 0 : 1),
            MetricFamily(
                "kith_disk_free_bytes", .gauge, "What is free on the file system that holds the node's state.",
                vitals.disk.map { [.init(Double($0.free))] } ?? []),
            MetricFamily(
                "kith_disk_size_bytes", .gauge, "The size of the file system that holds the node's state.",
                vitals.disk.map { [.init(Double($0.size))] } ?? []),
            MetricFamily(
                "kith_certificate_end_timestamp_seconds", .gauge,
                "When the certificate ends that clients are shown; missing for one without an end.",
                vitals.certificateEnds.map { [.init(Double($0.milliseconds) / 1_000)] } ?? []),
        ]
    }

    private static func engine(_ engine: NodeVitals.Engine) -> [MetricFamily] {
        guard let kind = engine.kind else { return [] }
        return [
            MetricFamily(
                "kith_engine_up", .gauge, "Whether the node's own engine answers.",
                [.init(engine.health == .ready ? 1 : 0, ["kind": kind])]),
            MetricFamily(
                "kith_engine_slots", .gauge, "Requests that the engine serves at once.", value: Double(engine.slots)),
            MetricFamily(
                "kith_engine_active_requests", .gauge, "Requests that the engine serves.", value: Double(engine.active)),
            MetricFamily(
                "kith_queue_length", .gauge, "Requests that wait for the engine.", value: Double(engine.queued)),
            MetricFamily(
                "kith_queue_limit", .gauge, "Requests that may wait for the engine.", value: Double(engine.queueLimit)),
        ]
    }

    private static let memberStates = ["up", "suspect", "down", "left", "asleep", "unknown", "incompatible"]

    private static func peers(_ peers: [NodeVitals.Peer]) -> [MetricFamily] {
        let kin = peers.filter { $0.tier == .kin }
        func family(_ name: String, _ help: String, _ value: (NodeVitals.Peer) -> Duration?) -> MetricFamily {
            MetricFamily(
                name, .gauge, help,
                peers.compactMap { peer in value(peer).map { .init($0.seconds, ["peer": peer.name.rawValue]) } })
        }
        return [
            MetricFamily(
                "kith_members", .gauge, "Kin by state.",
                memberStates.map { state in
                    .init(Double(kin.count { $0.state == state }), ["state": state])
                }),
            MetricFamily(
                "kith_peer_up", .gauge, "Whether a paired node is there.",
                peers.map { .init($0.state == "up" ? 1 : 0, ["peer": $0.name.rawValue, "tier": $0.tier.rawValue]) }),
            MetricFamily(
                "kith_peer_asleep", .gauge, "Whether a kin has said that it goes to sleep.",
                kin.map { .init($0.state == "asleep" ? 1 : 0, ["peer": $0.name.rawValue]) }),
            family("kith_peer_round_trip_seconds", "How long it takes to get an answer from a peer, on average.") {
                $0.roundTrip
            },
            family("kith_sync_lag_seconds", "How long the oldest write that a kin lacks has waited for it.") {
                $0.syncLag
            },
            family("kith_peer_clock_offset_seconds", "A kin's clock less this node's.") { $0.clockOffset },
        ]
    }
}
