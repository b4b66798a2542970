// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand

struct ClusterStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "List the nodes of a cluster and whether they run.")

    @OptionGroup var cluster: ClusterFlags

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() async throws {
        let record = try cluster.folder.record()
        let nodes = (record?.nodes ?? []).map(ClusterEntry.init)
        if json { return try Terminal.printJSON(nodes) }
        guard !nodes.isEmpty else { return Terminal.note("no cluster runs in \(cluster.folder.path)") }
        var table = TextTable([
            .init("NODE"), .init("URL"), .init("STATE"), .init("PID", .right), .init("LOG", shrinks: true),
        ])
        for node in nodes {
            table.add([node.name, node.url, node.state.rawValue, node.pid.map(String.init) ?? "-", node.log])
        }
        try Terminal.printLines(table.lines(width: Terminal.width, style: Terminal.style))
    }
}

private struct ClusterEntry: Encodable {
    enum State: String, Encodable { case running, stopped }

    var name: String
    var url: String
    var log: String
    var pid: Int32?
    var state: State

    init(_ node: ClusterRecord.Node) {
        name = node.name
        url = node.url
        log = node.log
        pid = node.process?.pid
        state = node.process.map(ProcessTable.isAlive) == true ? .running : .stopped
    }
}
