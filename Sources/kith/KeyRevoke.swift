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
              kith key revoke abcdefgh
            """)

    @Argument(help: "The key's id, as kith key list shows it; never the key itself.")
    var id: String

    @OptionGroup var node: ControlFlags

    @Flag(help: "Print the key as JSON.")
    var json = false

    func validate() throws {
        guard !id.hasPrefix("kith_") else {
            throw ValidationError(
                "that is a key, not its id; as it has been shown, revoke it: kith key list has the id")
        }
        guard PeerReference(id) != nil else { throw ValidationError("that is not a key's id; kith key list has them") }
    }

    func run() async throws {
        let key: ControlMessage.Key
        switch try KeyPlace(node) {
        case .node(let client): key = try await client.delete("/api/keys/\(id)")
        case .folder(let folder):
            guard let found = try await Node.revokeKey(id, dataDirectory: folder, now: .now()) else {
                throw CommandFailure(.notAnswered, "there is no key \(id) in \(folder); kith key list lists them")
            }
            key = found
        }
        if json { return try Terminal.printJSON(key) }
        try Terminal.printLines(KeysReport.revoked(key))
    }
}
