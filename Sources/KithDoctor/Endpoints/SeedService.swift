// SPDX-License-Identifier: Apache-2.0

import KithModel

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

    /// Where the guides have it.
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
    ///   - state: That of `GET /api/state`, which synth-mind has.
    ///   - peers: That of `GET /peers`, which the discovery service has.
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
