// SPDX-License-Identifier: Apache-2.0

import KithAssist
import KithModel

/// What an editor tells about the code beside it. Members that are not what they should be count for nothing: the context
/// is an open object, and different editors put different things in it.
struct AssistContext: Sendable {
    /// Of all members, sorted.
    var keys: [String] = []
    var language: String?
    var path: String?
    var cursor: AssistPrompt.Cursor?

    init(_ context: JSONValue?) {
        guard case .object(let members)? = context else { return }
        keys = members.keys.sorted()
        language = members["language"]?.stringValue
        path = members["file_path"]?.stringValue
        let position = members["cursor_position"]
        cursor = position?["line"]?.intValue.flatMap { line in
            (0...10_000_000).contains(line)
                ? AssistPrompt.Cursor(line: line, column: position?["column"]?.intValue) : nil
        }
    }
}
