// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTransport

/// The services of the seeds, told apart by what they answer.
enum SeedService: Hashable, Sendable {
    case synthMind
    case cell
    case bridge
    case discovery

    /// What the seeds' guides call it.
    var name: String {
        switch self {
        case .synthMind: "a synth-mind instance"
        case .cell: "an AIOS cell"
        case .bridge: "an AIOS bridge"
        case .discovery: "an AIOS discovery service"
        }
    }

    /// The listener of a node that stands for it.
    var listenerName: String {
        switch self {
        case .synthMind: "clients"
        case .cell: "the cell"
        case .bridge: "the bridge"
        case .discovery: "the registry"
        }
    }

    /// The port that the guides use.
    var usualPort: Int {
        switch self {
        case .synthMind: 8080
        case .cell: 8000
        case .bridge: 3001
        case .discovery: 8001
        }
    }

    static let usualPorts: [Int: SeedService] = [8000: .cell, 3001: .bridge, 8001: .discovery, 8080: .synthMind]

    /// - Parameters:
    ///   - health: The body of `GET /health`.
    ///   - state: The body of `GET /api/state`, which synth-mind has.
    ///   - peers: The body of `GET /peers`, which the discovery service has.
    /// - Returns: `nil` when it is none of them.
    static func identify(health: JSONValue?, state: JSONValue?, peers: JSONValue?) -> SeedService? {
        if state?["turn_count"]?.intValue != nil { return .synthMind }
        if case .object(let services)? = health?["services"],
            services["bridge"] != nil || services["desktop_cell"] != nil
        {
            return .bridge
        }
        if peers?["peers"]?.arrayValue != nil, peers?["my_host"] != nil || peers?["count"] != nil { return .discovery }
        if health?["cell_id"]?.stringValue != nil { return .cell }
        if health?["status"]?.stringValue == "alive" { return .synthMind }
        if case .object? = health?["checks"] { return .synthMind }
        return nil
    }
}

/// A service of the seeds by its URL, in the steps that their guide takes by hand: name, ping, port, health.
struct EndpointDiagnosis: Diagnosis {
    let check = CheckID.service
    var title: String { "\(address)" }
    var subject: String? { "\(address)" }
    let limit = Duration.seconds(9)

    let address: HTTPAddress
    /// Which service it is according to a setting.
    let expected: SeedService?
    let key: Secret?
    /// The severity when it is not there.
    let severity: Finding.Severity
    let client: UpstreamClient
    let clock: any TimeSource
    /// What to do when nothing listens there.
    private let startIt: Finding.Fix

    /// - Parameter url: May name one of the service's routes.
    init(
        _ url: HTTPAddress, expected: SeedService? = nil, key: Secret? = nil, severity: Finding.Severity,
        client: UpstreamClient, clock: any TimeSource,
        startIt: Finding.Fix = Finding.Fix("start the service there, or correct the port")
    ) {
        address = Self.service(of: url)
        self.expected = expected
        self.key = key
        self.severity = severity
        self.client = client
        self.clock = clock
        self.startIt = startIt
    }

    private static let routes = ["/api/generate", "/api/state", "/api/chat", "/health", "/peers", "/network-peers"]

    static func service(of url: HTTPAddress) -> HTTPAddress {
        var address = url
        for route in routes where address.basePath.hasSuffix(route) {
            address.basePath.removeLast(route.count)
            break
        }
        return address
    }

    func run() async -> [Finding] {
        let reach = await Reach.run(address.host, port: address.port, clock: clock)
        var steps = ReachVerdict(
            reach: reach, who: expected?.name ?? address.authority, severity: severity,
            startIt: startIt
        ).findings(of: "\(address)")
        guard reach.isOpen else {
            if case .refused? = reach.connection, let last = steps.indices.last, let neighbour = await neighbour() {
                steps[last].fix = Finding.Fix(
                    "start it there; or, as \(neighbour.service.name) answers on port \(neighbour.port) of that "
                        + "machine, correct "
                        + "the port", command: "kith doctor --url http://\(address.host):\(neighbour.port)")
            }
            return steps
        }
        return steps + (await look()).findings
    }

    private func look() async -> SeedSight {
        async let health = ask("/health")
        async let state = ask("/api/state")
        async let peers = ask("/peers")
        var sight = SeedSight(
            address: address, expected: expected, health: await health, state: await state, peers: await peers,
            severity: severity)
        if sight.service == nil { sight.neighbour = await neighbour() }
        return sight
    }

    private func ask(_ path: String) async -> HTTPTrial {
        await HTTPTrial.run(path, at: address, key: key, client: client, clock: clock)
    }

    /// The usual port of that machine that has the expected service, or any service.
    private func neighbour() async -> (port: Int, service: SeedService)? {
        let ports = SeedService.usualPorts.keys.sorted().filter { $0 != address.port }
        let found = await withTaskGroup(of: (Int, SeedService)?.self) { group in
            for port in ports {
                group.addTask {
                    var other = address
                    other.port = port
                    other.basePath = ""
                    return await service(at: other).map { (port, $0) }
                }
            }
            var found: [(Int, SeedService)] = []
            for await entry in group { if let entry { found.append(entry) } }
            return found.sorted { $0.0 < $1.0 }
        }
        let wanted = expected ?? SeedService.usualPorts[address.port]
        return found.first { wanted == nil || $0.1 == wanted }.map { (port: $0.0, service: $0.1) }
    }

    private func service(at other: HTTPAddress) async -> SeedService? {
        async let health = HTTPTrial.run("/health", at: other, client: client, clock: clock, limit: .seconds(1))
        async let state = HTTPTrial.run("/api/state", at: other, client: client, clock: clock, limit: .seconds(1))
        async let peers = HTTPTrial.run("/peers", at: other, client: client, clock: clock, limit: .seconds(1))
        let (one, two, three) = await (health.sighting?.json, state.sighting?.json, peers.sighting?.json)
        return SeedService.identify(health: one, state: two, peers: three)
    }
}
