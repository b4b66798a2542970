// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithCommand
import KithDialects
import KithModel

struct Context: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show and change what you are working on, on all your devices.",
        discussion: """
            Keys such as branch or file, each with a value. What is written at one device is seen at all of them; what \
            was written at two that did not see each other is shown twice, until one value is chosen by writing it.

            EXAMPLES:
              kith context show
              kith context set branch main
              kith context watch
              kith context clear branch
            """,
        subcommands: [ContextShow.self, ContextSet.self, ContextFollow.self, ContextClear.self])

    /// All of it, however many answers that takes.
    static func all(from client: NodeClient) async throws -> [StateMessage.ContextEntry] {
        var entries: [StateMessage.ContextEntry] = []
        var hasMore = true
        while hasMore {
            let after = entries.last.map { "?after=" + PathSegment.escaped($0.key) } ?? ""
            let page = try await client.get(StateMessage.Context.self, "/api/context" + after)
            entries += page.context
            hasMore = page.hasMore && !page.context.isEmpty
        }
        return entries
    }

    static func path(_ key: String) -> String { "/api/context/" + PathSegment.escaped(key) }

    /// An empty key would stand for all of them.
    static func check(_ key: String) throws {
        guard RegisterKey(.context, name: key) != nil else {
            throw ValidationError(
                "a key must have 1 to \(RegisterKey.nameLimit) bytes and no control characters; kith context show "
                    + "lists them")
        }
    }
}
