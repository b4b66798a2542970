// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KithDialects
import KithModel

struct Session: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List and read the conversations that a node keeps, and move one to another device.",
        discussion: """
            A conversation stays with the node that it was had with, until it is sent to another one of yours.

            EXAMPLES:
              kith session list
              kith session show kitchen
              kith session send kitchen --to laptop
            """,
        subcommands: [SessionList.self, SessionShow.self, SessionSend.self])

    static func path(_ session: String) -> String { "/api/sessions/" + PathSegment.escaped(session) }

    static func check(_ session: String) throws {
        guard SessionID(session) != nil else {
            throw ValidationError(
                "a session's name has 1 to 128 bytes and no control characters; kith session list lists them")
        }
    }
}
