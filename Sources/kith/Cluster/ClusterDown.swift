// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand

struct ClusterDown: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Stop all nodes of a cluster.",
        discussion: """
            EXAMPLES:
              kith cluster down
              kith cluster down --dir /tmp/mesh
            """)

    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        guard let record = try cluster.folder.record() else {
            return Terminal.note("no cluster runs in \(cluster.folder.path)")
        }
        // The one who watches over the nodes stops them itself, so it comes first and gets longer than they do.
        try await ProcessEnd.stop([record.supervisor], patience: .seconds(12))
        try await ProcessEnd.stop(record.nodes.compactMap(\.process), patience: .seconds(6))
        try cluster.folder.removeRecord()
        Terminal.note("stopped \(record.nodes.count) nodes")
    }
}
