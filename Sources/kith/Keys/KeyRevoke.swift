// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel
import KithNode

struct KeyRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "End a key at once.",
        discussion: """
            EXAMPLES:
              kith key revoke phone
              kith key revoke abcdefgh
            """)

    @Argument(help: "The key's id or name, as kith key list shows them; never the key itself.")
    var key: String

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the key as JSON.")
    var json = false

    func validate() throws {
        guard !key.hasPrefix("kith_") else {
            throw ValidationError(
                "that is a key, and not its id or name; as it has been shown, revoke it: kith key list has both")
        }
    }

    func run() async throws {
        let revoked: ControlMessage.Key
        switch try KeyPlace(node) {
        case .node(let client):
            let keys = try await client.get(ControlMessage.Keys.self, "/api/keys").keys
            revoked = try await client.delete("/api/keys/\(try KeyChoice.find(key, in: keys).id)")
        case .folder(let folder):
            let keys = try await Node.keys(dataDirectory: folder, now: .now()).keys
            let id = try KeyChoice.find(key, in: keys).id
            guard let found = try await Node.revokeKey(id, dataDirectory: folder, now: .now()) else {
                throw CommandFailure(.failed, "the key \(id) has just been removed")
            }
            revoked = found
        }
        if json { return try Terminal.printJSON(revoked) }
        try Terminal.printLines(KeysReport.revoked(revoked))
    }
}
