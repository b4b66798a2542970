// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithNode

struct Cluster: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run several nodes on this machine, all of them kin.",
        discussion: """
            EXAMPLES:
              kith cluster up -n 3
              kith cluster up -n 9 --base-port 8080 --detach
              kith cluster up -n 3 --first-node-engine none --engine embedded
              kith cluster down
            """,
        subcommands: [ClusterUp.self, ClusterStatus.self, ClusterDown.self])
}

/// Which cluster is meant.
struct ClusterFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp("The cluster's folder, with one folder for each node.", valueName: "path"),
        completion: .directory)
    var dir = "./cluster"

    var folder: ClusterFolder { ClusterFolder(path: Surroundings.current().absolute(dir)) }
}
