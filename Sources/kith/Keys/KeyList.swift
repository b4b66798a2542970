// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import KithNode

struct KeyList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the keys of clients, without their secrets.")

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() async throws {
        let found: ControlMessage.Keys
        switch try KeyPlace(node) {
        case .node(let client): found = try await client.get(ControlMessage.Keys.self, "/api/keys")
        case .folder(let folder): found = try await Node.keys(dataDirectory: folder, now: .now())
        }
        if json { return try Terminal.printJSON(found.keys) }
        try Terminal.printLines(KeysReport(found.keys, width: Terminal.width, style: Terminal.style).lines)
    }
}
