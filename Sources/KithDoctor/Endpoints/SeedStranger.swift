// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Something answers, or hangs, and is none of the seeds' services: what is it, then?
struct SeedStranger: Sendable {
    var sight: SeedSight

    private var address: HTTPAddress { sight.address }

    var finding: Finding {
        let wanted = sight.expected?.name ?? "a service of the seeds"
        let (seen, fix) = words(wanted)
        return Finding(
            .service, "service", sight.severity, seen, fix: fix ?? Finding.Fix(elsewhere(wanted)), of: "\(address)")
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

    private func elsewhere(_ wanted: String) -> String {
        if let neighbour = sight.neighbour {
            return "\(neighbour.service.name) answers on port \(neighbour.port) of that machine: write "
                + "\(address.scheme.rawValue)://\(address.host):\(neighbour.port)"
        }
        let port =
            sight.expected.map { "; it is usually on port \($0.usualPort)" }
            ?? "; cells are usually on 8000, bridges on 3001, discovery on 8001, synth-mind on 8080"
        return "correct the address or the port\(port)"
    }
}
