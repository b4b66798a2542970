// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What a service said to a few questions, and what that means.
struct SeedSight: Sendable {
    /// Entries older than this have missed three heartbeats.
    static let staleAfter = Duration.seconds(15)

    /// The service's address without a route.
    var address: HTTPAddress
    /// Which service somebody expects there, by a setting.
    var expected: SeedService?
    var health: HTTPTrial
    var state: HTTPTrial
    var peers: HTTPTrial
    /// How bad it is when it is not what it should be.
    var severity: Finding.Severity
    /// What another of the usual ports on the same machine turned out to be.
    var neighbour: (port: Int, service: SeedService)?

    var service: SeedService? {
        SeedService.identify(health: good(health)?.json, state: good(state)?.json, peers: good(peers)?.json)
    }

    var findings: [Finding] { serviceFindings + clock }

    private func good(_ trial: HTTPTrial) -> HTTPSighting? {
        guard let sighting = trial.sighting, sighting.status == 200 || sighting.status == 503 else { return nil }
        return sighting
    }

    private var firstSighting: HTTPSighting? { health.sighting ?? state.sighting ?? peers.sighting }

    private var clock: [Finding] {
        guard let sighting = firstSighting, let offset = ClockOffset(sighting) else { return [] }
        return [offset.finding(of: address.authority, subject: "\(address)")]
    }

    private var serviceFindings: [Finding] {
        guard let service else { return [SeedStranger(sight: self).finding] }
        if let expected, expected != service { return [wrongService(service, expected)] }
        var found = [identified(service)]
        switch service {
        case .bridge: found += BridgeSight(health: good(health)?.json, address: address).findings
        case .discovery: found += registry
        case .synthMind: found += unhealthy
        case .cell: break
        }
        return found
    }

    private func finding(
        _ severity: Finding.Severity, _ seen: String, fix: Finding.Fix? = nil, took: Duration? = nil
    ) -> Finding {
        Finding(.service, "service", severity, seen, fix: fix, of: "\(address)", took: took)
    }

    private func wrongService(_ service: SeedService, _ expected: SeedService) -> Finding {
        finding(
            severity,
            "\(service.name) answers at \(address), where \(expected.name) should be; that is usually on port "
                + "\(expected.usualPort)",
            fix: Finding.Fix(
                "write the address of \(expected.name) in place of this one",
                command: "curl http://\(address.host):\(expected.usualPort)/health"))
    }

    private func identified(_ service: SeedService) -> Finding {
        let body = good(health)?.json
        var words = service.name
        switch service {
        case .cell:
            let level = body?["consciousness_level"].flatMap(Self.number).map { ", level \($0)" } ?? ""
            words += " \(Self.text(body?["cell_id"]))\(level)"
        case .synthMind:
            if let node = good(state)?.json?["node"]?.stringValue {
                words = "kith node \(node.prefix(64)), which speaks as synth-mind does"
            } else if let turns = good(state)?.json?["turn_count"]?.intValue {
                words += " with \(turns) turns"
            }
        case .bridge, .discovery: break
        }
        let unusual =
            SeedService.usualPorts[address.port].flatMap { $0 == service || expected != nil ? nil : $0 }.map {
                "; port \(address.port) is usually that of \($0.name)"
            } ?? ""
        return finding(unusual.isEmpty ? .ok : .notice, words + unusual, took: firstSighting?.took)
    }

    private var unhealthy: [Finding] {
        guard case .object(let checks)? = good(health)?.json?["checks"] else { return [] }
        let failing = checks.filter { $0.value.boolValue == false }.keys.sorted().prefix(8)
        guard !failing.isEmpty else { return [] }
        return [
            finding(
                .warning, "it says that it is not healthy: \(failing.joined(separator: ", "))",
                fix: Finding.Fix("look there; for a kith node kith doctor says more on its own machine"))
        ]
    }

    private var registry: [Finding] {
        guard let sighting = good(peers), let entries = sighting.json?["peers"]?.arrayValue else { return [] }
        let now = sighting.date ?? sighting.askedAt
        let stale = entries.filter { entry in
            guard let text = entry["last_seen"]?.stringValue, let seen = UTCStamp.read(text) else { return false }
            return now.duration(since: seen) > Self.staleAfter
        }
        let names = entries.prefix(8).map { Self.text($0["cell_id"]) }.joined(separator: ", ")
        let list = Finding(
            .registry, "registry", .ok,
            entries.isEmpty ? "it knows no peers" : "it knows \(entries.count): \(names)", of: "\(address)")
        guard !stale.isEmpty else { return [list] }
        let old = stale.prefix(8).map { Self.text($0["cell_id"]) }.joined(separator: ", ")
        return [
            list,
            Finding(
                .registry, "registry", .warning,
                "\(stale.count) of them have not been heard for more than 15 s: \(old)",
                fix: Finding.Fix(
                    "see whether they run; what is gone can be taken out of the registry",
                    command: "curl -X DELETE \(address)/peer/ID"),
                of: "\(address)"),
        ]
    }

    static func text(_ value: JSONValue?) -> String { String((value?.stringValue ?? "?").prefix(64)) }

    static func number(_ value: JSONValue) -> Double? {
        value.doubleValue
    }
}
