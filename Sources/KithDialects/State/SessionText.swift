// SPDX-License-Identifier: Apache-2.0

import KithModel

/// A conversation as a document for people, in Markdown.
package enum SessionText {
    package static func markdown(_ session: SessionMessage.Session) -> String {
        var text = "# \(session.title ?? session.id)\n\nKept by \(session.node), begun \(session.createdAt).\n"
        if session.isCut { text += "\nWhat was said before is left out.\n" }
        for turn in session.turns {
            let author =
                switch turn.role {
                case .user: "You"
                case .assistant: [turn.model, turn.node.map { "on " + $0 }].compactMap { $0 }.joined(separator: " ")
                }
            text += "\n## \(author.isEmpty ? "Answer" : author), \(turn.at)\n\n\(turn.text)\n"
        }
        return text
    }
}
