// SPDX-License-Identifier: Apache-2.0

import KithModel

extension AlertRule {
    /// Fewer prompts than these say nothing about how well prompts are answered.
    static let enoughAnswers = 10
    /// The share of first tokens that must not be late.
    private static let punctualShare = 0.9

    /// Every condition, once.
    package static let table: [AlertRule] = ofPeers + ofAnswers + ofNode

    /// The condition's own rule, with the threshold and the time of the table.
    package static func standard(_ condition: AlertCondition) -> AlertRule? {
        table.first { $0.condition == condition }
    }

    private static let ofPeers = [
        AlertRule(
            .peerDown, .warning, about: .peer, .state, .below, 1, hold: .seconds(60),
            expression: """
                (kith_peer_up{tier="kin"} unless on (job, instance, peer) (kith_peer_asleep == 1))
                """,
            sentence: {
                "\($0) does not answer: see whether the machine is on and has a network, then run kith doctor there"
            },
            readings: { window in
                // One that said goodbye, or sleeps, is not missed, and one of another version is there.
                let missed: Set = ["down", "unknown"]
                let states = window.vitals.peers.filter { $0.tier == .kin }.map(\.state)
                let isAlone = states.count > 1 && states.allSatisfy(missed.contains)
                let others = isAlone ? ", as all others are: perhaps this machine has lost its network" : ""
                return kin(window) { missed.contains($0.state) ? (0, "it is \($0.state)" + others) : (1, nil) }
            }),
        AlertRule(
            .syncLag, .warning, about: .peer, .seconds, .above, 120, hold: .seconds(60),
            expression: "kith_sync_lag_seconds", and: "on (job, instance, peer) kith_peer_up == 1",
            sentence: { "\($0) is in reach and does not take what its kin have written: see kith sync status on both" },
            readings: { window in
                kin(window) { peer in peer.state == "up" ? peer.syncLag.map { ($0.seconds, nil) } : nil }
            }),
        AlertRule(
            .clockOffset, .warning, about: .peer, .seconds, .above, 30, hold: .seconds(300),
            expression: "abs(kith_peer_clock_offset_seconds)",
            sentence: {
                "the clock of \($0) and that of its kin differ: switch on the time service (NTP) of both machines"
            },
            readings: { window in kin(window) { peer in peer.clockOffset.map { (abs($0.seconds), nil) } } }),
    ]

    private static let ofAnswers = [
        AlertRule(
            .errorRate, .critical, about: .node, .share, .above, 0.05, hold: .seconds(120),
            expression: """
                sum by (job, instance) (increase(kith_answers_total{outcome="failed"}[5m])) / \
                (sum by (job, instance) (increase(kith_answers_total{outcome!="abandoned"}[5m])) >= \(enoughAnswers))
                """,
            sentence: {
                "too many prompts given to \($0) fail: kith doctor there says what is wrong and what mends it"
            },
            readings: { window in
                let recent = window.recent
                let all = recent.completed + recent.failed
                return all >= enoughAnswers ? [Reading(value: Double(recent.failed) / Double(all))] : []
            }),
        AlertRule(
            .slowFirstToken, .warning, about: .node, .seconds, .above, 10, hold: .seconds(300),
            expression: """
                histogram_quantile(\(punctualShare), \
                sum by (job, instance, le) (rate(kith_time_to_first_token_seconds_bucket[5m])))
                """,
            and: "sum by (job, instance) (increase(kith_time_to_first_token_seconds_count[5m])) >= \(enoughAnswers)",
            sentence: {
                "a tenth of the prompts given to \($0) wait too long for the first token: add a machine or take a smaller model"
            },
            readings: { window in
                let waits = window.recent.firstToken
                guard waits.total >= enoughAnswers else { return [] }
                return waits.quantile(punctualShare).map { [Reading(value: $0)] } ?? []
            }),
        AlertRule(
            .queueFull, .warning, about: .node, .share, .atLeast, 0.9, hold: .seconds(60),
            expression: "kith_queue_length / (kith_queue_limit > 0)",
            sentence: {
                "the queue of \($0) is nearly full and prompts will be turned away: add a machine, or ask for less at once"
            },
            readings: { window in
                let engine = window.vitals.engine
                return engine.queueLimit > 0 ? [Reading(value: Double(engine.queued) / Double(engine.queueLimit))] : []
            }),
        AlertRule(
            .continuationFailed, .warning, about: .node, .count, .above, 0, hold: .zero,
            expression: "sum by (job, instance) (increase(kith_continuations_total{outcome=\"failed\"}[5m]))",
            sentence: {
                "an answer of \($0) broke off and no other node went on with it: kith trace says why; a second machine with the "
                    + "model helps, unless one was asked for by name"
            },
            readings: { window in [Reading(value: Double(window.recent.continuationsFailed))] }),
    ]

    private static let ofNode = [
        AlertRule(
            .degraded, .warning, about: .node, .state, .above, 0, hold: .seconds(600), expression: "kith_degraded",
            sentence: { "\($0) does less than it should: kith status says why, and kith doctor what mends it" },
            readings: { window in window.vitals.degraded.map { [Reading(value: 1, words: $0)] } ?? [] }),
        AlertRule(
            .disk, .critical, about: .node, .bytes, .below, 2e9, hold: .seconds(60), expression: "kith_disk_free_bytes",
            sentence: {
                "the disk of \($0) is nearly full and nothing more will be kept: remove what is not needed there"
            },
            readings: { window in window.vitals.disk.map { [Reading(value: Double($0.free))] } ?? [] }),
        AlertRule(
            .certificate, .warning, about: .node, .seconds, .below, 14 * 86_400, hold: .seconds(300),
            expression: "kith_certificate_end_timestamp_seconds - time()",
            sentence: { "the certificate that \($0) shows clients ends soon: put a new one in its place" },
            readings: { window in
                window.vitals.certificateEnds.map { [Reading(value: $0.duration(since: window.wall).seconds)] } ?? []
            }),
    ]

    private static func kin(
        _ window: VitalsWindow, _ value: (NodeVitals.Peer) -> (value: Double, words: String?)?
    ) -> [Reading] {
        window.vitals.peers.filter { $0.tier == .kin }.compactMap { peer in
            value(peer).map { Reading(subject: (peer.id, peer.name), value: $0.value, words: $0.words) }
        }
    }
}
