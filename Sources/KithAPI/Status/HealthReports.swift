// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithInference
import KithMetrics
import KithModel
import KithServer
import Synchronization

/// How this node is in figures, and what the doctor says of it.
struct HealthReports: Sendable {
    private static let listLimit = 200

    private let services: NodeServices
    private let examination = Examination()

    init(services: NodeServices) { self.services = services }

    func add(to router: SurfaceRouter) {
        router.surface("/api/vitals", scope: .read, [.get: { _, context in try await vitals(for: context) }])
        router.surface(
            "/api/bridge", scope: .read,
            [.get: { _, _ in try .json(JSONValue.object(services.bridge.fields ?? ["mode": .null])) }])
        router.surface("/api/doctor", scope: .admin, [.post: { _, _ in try await examine() }])
    }

    private func vitals(for context: NodeRequestContext) async throws -> Response {
        var fields = await services.vitals.vitals().fields
        let breakers = services.dispatcher.breakers().sorted { $0.key.description < $1.key.description }
        fields["breakers"] = .array(
            breakers.prefix(Self.listLimit).map { candidate, condition in
                .object([
                    "node": .string(candidate.name.rawValue), "model": .string(candidate.model.rawValue),
                    "state": .string(condition.word),
                ])
            })
        // Who has a key, and how much it is used, is the owner's affair.
        if context.may(.admin) {
            fields["usage"] = .array(
                (services.metrics.keyRequests?.all ?? []).prefix(Self.listLimit).map { values, series in
                    let key = values.first ?? ""
                    return [
                        "key": .string(key), "requests": .integer(Int64(exactly: series.count) ?? 0),
                        "tokens_today": .integer(Int64(services.access.limits.tokensToday(of: key))),
                    ]
                })
        }
        return try .json(JSONValue.object(fields), headers: [.cacheControl: "no-store"])
    }

    private func examine() async throws -> Response {
        guard let examine = services.tools.examine else {
            throw ControlError(.notFound, "this program has no doctor; run kith doctor beside it")
        }
        guard examination.begin() else { throw ControlError(.busy, "the doctor is at work; try again in a moment") }
        defer { examination.end() }
        return try .json(try await examine(), headers: [.cacheControl: "no-store"])
    }

    /// At most one at a time: each asks every peer and service.
    private final class Examination: Sendable {
        private let isUnderway = Mutex(false)

        func begin() -> Bool {
            isUnderway.withLock { isUnderway in
                defer { isUnderway = true }
                return !isUnderway
            }
        }

        func end() { isUnderway.withLock { $0 = false } }
    }
}

extension CircuitBreaker.Condition {
    fileprivate var word: String {
        switch self {
        case .closed: "closed"
        case .halfOpen: "half-open"
        case .open: "open"
        }
    }
}

extension NodeVitals {
    /// As `GET /api/vitals` says it.
    var fields: JSONObject {
        var fields: JSONObject = [
            "engine": .object(engine.fields), "peers": .array(peers.map { .object($0.fields) }),
            "answers": .object(answers.fields),
        ]
        fields["degraded"] = degraded.map { .string($0) }
        fields["disk"] = disk.map { ["size_bytes": .integer($0.size), "free_bytes": .integer($0.free)] }
        fields["certificate_ends"] = certificateEnds.map { .string($0.rfc3339) }
        return fields
    }
}

extension NodeVitals.Engine {
    fileprivate var fields: JSONObject {
        let (state, reason): (String, String?) =
            switch health {
            case .ready: ("ready", nil)
            case .loading: ("loading", nil)
            case .down(let why): ("down", why)
            case .none: ("none", nil)
            }
        var fields: JSONObject = [
            "state": .string(state), "slots": .integer(Int64(slots)), "active": .integer(Int64(active)),
            "queued": .integer(Int64(queued)), "queue_limit": .integer(Int64(queueLimit)),
        ]
        fields["kind"] = kind.map { .string($0) }
        fields["reason"] = reason.map { .string($0) }
        return fields
    }
}

extension NodeVitals.Peer {
    fileprivate var fields: JSONObject {
        var fields: JSONObject = [
            "id": .string(id.description), "name": .string(name.rawValue), "tier": .string(tier.rawValue),
            "state": .string(state),
        ]
        fields["round_trip_ms"] = roundTrip.map { .number($0.milliseconds.rounded(toPlaces: 2)) }
        fields["sync_lag_seconds"] = syncLag.map { .number($0.seconds.rounded(toPlaces: 3)) }
        fields["clock_offset_seconds"] = clockOffset.map { .number($0.seconds.rounded(toPlaces: 3)) }
        return fields
    }
}

extension NodeVitals.Answers {
    fileprivate var fields: JSONObject {
        [
            "completed": .integer(Int64(completed)), "failed": .integer(Int64(failed)),
            "abandoned": .integer(Int64(abandoned)), "queue_refusals": .integer(Int64(queueRefusals)),
            "continuations": .integer(Int64(continuations)),
            "continuations_failed": .integer(Int64(continuationsFailed)),
            "first_token": [
                "bounds_seconds": .array(DurationCounts.bounds.map { .number($0) }),
                "counts": .array(firstToken.counts.map { .integer(Int64($0)) }),
                "sum_seconds": .number(firstToken.sum.rounded(toPlaces: 3)),
            ],
        ]
    }
}
