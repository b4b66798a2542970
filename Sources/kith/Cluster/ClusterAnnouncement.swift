// SPDX-License-Identifier: Apache-2.0

import KithCommand

/// What `kith cluster up` says.
struct ClusterAnnouncement: Sendable {
    enum Output: Sendable { case text, json }

    var output: Output

    func running(_ record: ClusterRecord) throws {
        switch output {
        case .json: try Terminal.printJSON(record)
        case .text:
            try Terminal.printLines(record.nodes.map { "\($0.url)  \($0.name)" })
            let first = record.nodes.first?.url ?? ""
            Terminal.note("all \(record.nodes.count) nodes answer; try: kith ask --url \(first) \"hello\"")
        }
    }

    func stopsOnInterrupt() { Terminal.note("Ctrl-C stops them") }

    func ended(_ name: String, how: String) { Terminal.note("node \(name) ended: \(how)") }

    func stopping() { Terminal.note("stopping") }
}
