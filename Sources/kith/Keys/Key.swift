// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import KithNode

struct Key: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, list and revoke the keys that clients show a node.",
        discussion: """
            Over the network every client needs a key; on this machine none. A node that runs takes a change at once; \
            one that does not finds it at its next start.

            EXAMPLES:
              kith key create --name phone --scope chat
              kith key list
              kith key revoke abcdefgh
            """,
        subcommands: [KeyCreate.self, KeyList.self, KeyRevoke.self])
}

/// Where a node's keys are: with the node while it runs, else in its folder.
enum KeyPlace: Sendable {
    case node(NodeClient)
    /// The data folder of a node that does not run.
    case folder(String)

    init(_ flags: ControlFlags) throws {
        let settings = try ClientSettings(url: flags.url, environment: Terminal.environment)
        let folder = try RunningNode.folder(flags.dataDir)
        if settings.isNamed, flags.dataDir == nil {
            self = .node(try flags.client())
        } else if let running = try RunningNode(dataDirectory: folder) {
            self = .node(running.client)
        } else {
            self = .folder(folder)
        }
    }
}
