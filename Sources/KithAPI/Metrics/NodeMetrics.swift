// SPDX-License-Identifier: Apache-2.0

import KithCulture
package import KithInference
package import KithMetrics
import KithModel
package import KithPeers
package import KithServer

/// What a node counts while it works; `/metrics` tells it together with how the node is at that moment.
package struct NodeMetrics: Sendable {
    package let listener: ListenerMetrics
    /// Requests of each key, by its name; `nil` where nothing is counted.
    package let keyRequests: CounterFamily?

    package var registry: MetricRegistry { listener.registry }

    private var counts: Bool { listener.meter != nil }

    /// - Parameter counts: Whether anything is counted while the node works. What can be looked up is told in any case.
    package init(registry: MetricRegistry = MetricRegistry(), counts: Bool = true) {
        listener = ListenerMetrics(role: "node", registry: registry, counts: counts)
        keyRequests =
            counts
            ? registry.counter(
                "kith_key_requests_total", "Requests with a key, by its id, which tells its owner alone whose it is.",
                labels: ["key"]) : nil
    }

    /// Counts what becomes of prompts.
    package func follow(_ journal: RouteJournal) {
        guard counts else { return }
        let instruments = RouteInstruments(in: registry)
        journal.whenNoted { instruments.note($0) }
    }

    /// Counts what kin answer to gossip, probes among it.
    package func follow(_ mesh: PeerMesh) {
        guard counts else { return }
        let roundTrips = registry.histogram(
            "kith_probe_round_trip_seconds", "How long kin took to answer a probe, or other gossip.",
            bounds: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
        ).series()
        mesh.whenAnswered { roundTrips.record($0) }
    }

    /// Counts what comes of company, and what is held back.
    package func follow(_ culture: StoredCulture) {
        guard counts else { return }
        let exchanges = registry.counter(
            "kith_exchanges_total", "Conversations with peers, by what came of them.", labels: ["outcome"])
        let refusals = registry.counter(
            "kith_guard_refusals_total", "Texts that were not said to a peer, by reason.", labels: ["reason"])
        culture.whenExchanged { exchanges.series($0.outcome.rawValue).increment() }
        culture.whenHeldBack { refusals.series($0.reason.rawValue).increment() }
    }

    /// Counts callers that are turned away, clients and peers.
    package func follow(_ trail: StoreAuditTrail) {
        guard counts else { return }
        let refused = registry.counter(
            "kith_refused_callers_total", "Callers that were turned away, by reason.", labels: ["reason"])
        trail.whenRecorded { kind, reason in
            switch kind {
            case .clientRefused, .callerRefused: refused.series(reason).increment()
            case .peerRefused, .handshakeRefused, .pairingRefused: refused.series(kind.rawValue).increment()
            case .pairingAccepted, .invitationCreated, .peerForgotten, .peerTierChanged, .peerRenamed, .identityCloned,
                .identityRenewed, .keyCreated, .keyRevoked, .sessionOpened, .sessionClosed, .linkCreated, .nodeDraining,
                .modelsChanged, .storeOlder:
                break
            }
        }
    }
}
