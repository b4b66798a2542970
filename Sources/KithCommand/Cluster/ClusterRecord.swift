// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What runs in a cluster's folder: `cluster.json`.
package struct ClusterRecord: Sendable, Codable, Equatable {
    /// A process, so described that another one with the same number is not mistaken for it.
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
