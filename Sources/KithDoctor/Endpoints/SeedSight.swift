// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The answers of a service to a few requests, and what they mean.
struct SeedSight: Sendable {
    /// Entries older than this have missed three heartbeats.
    static let staleAfter = Duration.seconds(15)

    /// The service's address without a route.
    var address: HTTPAddress
    /// Which service is expected there, according to a setting.
    var expected: SeedService?
    var health: HTTPTrial
    var state: HTTPTrial
    var peers: HTTPTrial
    /// The severity when it is not what it should be.
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
            guard let text = entry["last_seen"]?.stringValue, let seen = WallTime(iso8601: text) else { return false }
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

/// What a bridge says of itself and of its cell.
struct BridgeSight: Sendable {
    var health: JSONValue?
    var address: HTTPAddress

    var findings: [Finding] {
        let services = health?["services"]
        let isDegraded =
            health?["status"]?.stringValue == "degraded" || services?["desktop_cell"]?.boolValue == false
        guard isDegraded else {
            let cell = health?["desktop_cell_info"]?["cell_id"].map { " \(SeedSight.text($0))" } ?? ""
            return [Finding(.service, "bridge", .ok, "healthy: it reaches its cell\(cell)", of: "\(address)")]
        }
        let why = health?["error"]?.stringValue.map { ": \($0.prefix(200))" } ?? ""
        let cell = health?["desktop_cell_url"]?.stringValue.map { " (\($0.prefix(200)))" } ?? ""
        return [
            Finding(
                .service, "bridge", .warning, "the bridge is degraded\(why)\(cell)", fix: fix, of: "\(address)")
        ]
    }

    /// Of the cell's address as the bridge gives it, only host and port go into a command.
    private var fix: Finding.Fix {
        guard let cell = health?["desktop_cell_url"]?.stringValue.flatMap({ HTTPAddress($0) }) else {
            return Finding.Fix(
                "tell the bridge of a cell, in bridge.upstreams (AIOS_DESKTOP_CELL), or pair a machine that is one")
        }
        return Finding.Fix(
            "the cell is what is missing: on the bridge's machine, see which step to it fails",
            command: "kith doctor --url \(cell.scheme.rawValue)://\(cell.authority)")
    }
}

/// Something that answers, or hangs, and is none of the seeds' services, and what it is instead.
struct SeedStranger: Sendable {
    var sight: SeedSight

    private var address: HTTPAddress { sight.address }

    var finding: Finding {
        let wanted = sight.expected?.name ?? "a service of the seeds"
        let (seen, fix) = words(wanted)
        return Finding(
            .service, "service", sight.severity, seen, fix: fix ?? elsewhere, of: "\(address)")
    }

    private func words(_ wanted: String) -> (String, Finding.Fix?) {
        switch sight.health {
        case .silent:
            return (
                "\(address) takes connections and does not answer within \(HTTPTrial.limit.shortText): the program "
                    + "there hangs",
                Finding.Fix("start the program at \(address.authority) anew, and look into its log")
            )
        case .closed:
            let secure = address.scheme == .http ? "it may want https" : "it may want http"
            return (
                "\(address) ends the connection without an answer: \(secure), or it is no web service",
                Finding.Fix(
                    "try the other scheme",
                    command: "curl -vk \(address.scheme == .http ? "https" : "http")://\(address.authority)/health")
            )
        case .notHTTP: return ("what answers at \(address) does not speak HTTP", nil)
        case .tlsRefused(let why):
            return (
                "\(address): \(why)",
                Finding.Fix(
                    "it speaks no TLS (then write http), or its certificate is not vouched for by this machine's roots",
                    command: "curl -v \(address)/health")
            )
        case .unreachable(let why): return ("\(address): \(why)", nil)
        case .answered(let sighting): return (answered(sighting, wanted), fix(sighting))
        }
    }

    private func answered(_ sighting: HTTPSighting, _ wanted: String) -> String {
        let server = sighting.server.map { " (\($0))" } ?? ""
        if sighting.status == 401 || sighting.status == 403 {
            return "\(address) wants a key: it answers with status \(sighting.status)"
        }
        if sighting.isHTML {
            return "a web page answers at \(address)\(server), status \(sighting.status): it is not \(wanted)"
        }
        if sighting.status >= 500 {
            return "what answers at \(address)\(server) is broken: /health has status \(sighting.status)"
        }
        if sighting.json != nil, sighting.status == 200 {
            return "another service answers at \(address)\(server): its /health is not that of \(wanted)"
        }
        return "what answers at \(address)\(server) has no /health, status \(sighting.status): it is not \(wanted)"
    }

    private func fix(_ sighting: HTTPSighting) -> Finding.Fix? {
        switch sighting.status {
        case 401, 403:
            Finding.Fix(
                "make a key there, and write it after the address as key=…",
                command: "kith key create --name doctor --scope read")
        case 500...: Finding.Fix("look into the log of the program at \(address.authority)")
        default: nil
        }
    }

    private var elsewhere: Finding.Fix {
        if let neighbour = sight.neighbour {
            return Finding.Fix(
                "\(neighbour.service.name) answers on port \(neighbour.port) of that machine: write "
                    + "\(address.scheme.rawValue)://\(address.host):\(neighbour.port)")
        }
        let port =
            sight.expected.map { "; it is usually on port \($0.usualPort)" }
            ?? "; cells are usually on 8000, bridges on 3001, discovery on 8001, synth-mind on 8080"
        return Finding.Fix("correct the address or the port\(port)")
    }
}
