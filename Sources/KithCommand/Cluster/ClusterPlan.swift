// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel
package import KithNode

/// What `kith cluster up` will start: nodes on neighbouring ports of this machine, all of them kin.
package struct ClusterPlan: Sendable {
    package static let largest = 64

    package struct Instance: Sendable {
        package var name: String
        package var port: Int
        package var peerPort: Int
        /// Absolute.
        package var directory: String
        package var address: HTTPAddress
        /// The settings of this node, as flags and in its `kith.yaml`.
        package var settings: [SettingKey: String]
        package var hasEngine: Bool

        package var logFile: String { directory + "/state/node.log" }
    }

    package let directory: String
    package let instances: [Instance]

    /// - Parameters:
    ///   - directory: Absolute; holds a folder for each node.
    ///   - shared: Settings of every node.
    ///   - firstNodeEngine: The engine of the first node, in place of the shared one.
    /// - Throws: ``CommandError`` with `usage` when there would be too many nodes or no ports for them.
    package init(
        count: Int, basePort: Int, basePeerPort: Int = 7_443, directory: String, shared: [SettingKey: String] = [:],
        firstNodeEngine: String? = nil
    ) throws(CommandError) {
        guard (1...Self.largest).contains(count) else {
            throw CommandError(.usage, "a cluster has 1 to \(Self.largest) nodes, not \(count)")
        }
        let ports = try Self.ports(count, from: basePort, flag: "--base-port")
        let peerPorts = try Self.ports(count, from: basePeerPort, flag: "--base-peer-port")
        guard !ports.overlaps(peerPorts) else {
            throw CommandError(.usage, "--base-port and --base-peer-port are less than \(count) ports apart")
        }
        self.directory = directory
        instances = ports.enumerated().map { index, port in
            var settings = shared
            if index == 0, let firstNodeEngine { settings[.engineKind] = firstNodeEngine }
            settings[.name] = "instance_\(port)"
            settings[.host] = "127.0.0.1"
            settings[.port] = "\(port)"
            settings[.peerPort] = "\(basePeerPort + index)"
            return Instance(
                name: "instance_\(port)", port: port, peerPort: basePeerPort + index,
                directory: "\(directory)/instance_\(port)", address: HTTPAddress(host: "127.0.0.1", port: port),
                settings: settings, hasEngine: settings[.engineKind] != "none")
        }
    }

    private static func ports(_ count: Int, from base: Int, flag: String) throws(CommandError) -> Range<Int> {
        guard base >= 1, base <= 65_536 - count else {
            throw CommandError(.usage, "there are no \(count) ports from \(base) on; choose another \(flag)")
        }
        return base..<base + count
    }

    /// The first line of every file that a cluster writes; a file without it belongs to the user and is left alone.
    package static let mark = "# Written by `kith cluster up`; without this line it is left as it is."
}

extension ClusterPlan.Instance {
    /// What follows `kith` on the node's command line.
    package var arguments: [String] {
        var arguments = ["up", "--data-dir", directory, "--lifeline", "--log-file", logFile]
        for definition in SettingDefinition.all {
            guard let flag = definition.flag, let value = settings[definition.key] else { continue }
            arguments += ["\(flag)=\(value)"]
        }
        return arguments
    }

    /// `config/kith.yaml`, so that the node can also be started alone: `kith up --data-dir …`.
    package var settingsFile: String {
        var lines = [ClusterPlan.mark]
        var group: [Substring] = []
        for key in SettingKey.allCases {
            guard let value = settings[key] else { continue }
            let path = key.rawValue.split(separator: ".")
            let parents = path.dropLast()
            for (depth, name) in parents.enumerated()
            where depth >= group.count || !group.starts(with: parents.prefix(depth + 1)) {
                lines.append(String(repeating: "  ", count: depth) + "\(name):")
            }
            group = Array(parents)
            let indent = String(repeating: "  ", count: parents.count)
            lines.append("\(indent)\(path.last ?? ""): \(Self.quoted(value))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A double-quoted scalar (YAML 1.2, 7.3.1).
    private static func quoted(_ value: String) -> String {
        "\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}

/// What runs in a cluster's folder: `cluster.json`.
package struct ClusterRecord: Sendable, Codable, Equatable {
    /// A process, described so that another one with the same number is not mistaken for it.
    package struct Process: Sendable, Codable, Hashable {
        package var pid: Int32
        /// When it was started, in a unit of the system's own.
        package var started: UInt64

        package init(pid: Int32, started: UInt64) {
            self.pid = pid
            self.started = started
        }
    }

    package struct Node: Sendable, Codable, Equatable {
        package var name: String
        package var url: String
        package var log: String
        package var process: Process?

        package init(name: String, url: String, log: String, process: Process? = nil) {
            self.name = name
            self.url = url
            self.log = log
            self.process = process
        }
    }

    /// The `kith cluster up` that watches over the nodes.
    package var supervisor: Process
    /// Whether all nodes have answered.
    package var ready: Bool
    package var nodes: [Node]

    package init(supervisor: Process, plan: ClusterPlan) {
        self.supervisor = supervisor
        ready = false
        nodes = plan.instances.map {
            Node(name: $0.name, url: $0.address.description, log: $0.logFile)
        }
    }
}

/// Which nodes of a cluster are still to be paired with the first one. Then all know each other: kin introduce kin.
package struct ClusterPairing: Sendable {
    /// Joins under way at once: each makes both sides speak with all kin, on a machine that carries all nodes.
    package static let concurrency = 4

    /// Their positions in the plan.
    package let joiners: [Int]

    /// - Parameters:
    ///   - ids: The ids of the nodes, in the order of the plan.
    ///   - peers: The peers that the first one knows.
    package init(ids: [NodeID], peersOfFirst peers: [NodeStatus.Peer]) {
        let kin = Set(peers.filter { $0.tier == Tier.kin.rawValue }.compactMap(\.id))
        joiners = ids.indices.dropFirst().filter { !kin.contains(ids[$0].description) }
    }

    /// Why a node does not yet know all the others; `nil` when it does and reaches them.
    package static func fault(of id: NodeID, among ids: [NodeID], peers: [NodeStatus.Peer]) -> String? {
        let states = Dictionary(
            peers.compactMap { peer in peer.id.map { ($0, peer) } }, uniquingKeysWith: { first, _ in first })
        for other in ids where other != id {
            guard let peer = states[other.description] else { return "does not know \(other.short) yet" }
            guard peer.state == "up" else { return "does not reach \(peer.name.printable)" }
        }
        return nil
    }
}
