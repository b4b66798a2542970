// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// The body of an answer with an error status.
package enum RefusalBody {
    /// The message in any of the shapes that nodes use, or the status alone.
    package static func message(status: Int, body: [UInt8]) -> String {
        let value: JSONValue
        do {
            value = try JSONBody.decode(JSONValue.self, from: body)
        } catch {
            return "the node answered with status \(status)"
        }
        let candidates = [
            value["error"]?["message"], value["error"], value["detail"], value["reason"], value["message"],
        ]
        guard let text = candidates.lazy.compactMap({ $0?.stringValue }).first(where: { !$0.isEmpty }) else {
            return "the node answered with status \(status)"
        }
        return String(text.printable.prefix(1_000))
    }
}
